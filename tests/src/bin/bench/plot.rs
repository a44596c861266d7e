//! A picture of the main times, as SVG.

use std::fmt::Write;

const LEFT: f64 = 230.0;
const WIDTH: f64 = 760.0;
const BAR: f64 = 22.0;
const STEP: f64 = 30.0;

/// Horizontal bars; those of the first label are drawn in another color.
pub fn bars(title: &str, ours: &str, values: &[(String, f64)]) -> String {
    let longest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let height = 46.0 + STEP * values.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"24\" font-weight=\"bold\">{title}</text>\n"
    );
    for (number, (label, value)) in values.iter().enumerate() {
        let y = 40.0 + STEP * number as f64;
        let length = (WIDTH - LEFT - 80.0) * value / longest;
        let color = if label == ours { "#1f6feb" } else { "#9aa4b2" };
        let text = y + 16.0;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{color}\"/>\n\
             <text x=\"{:.1}\" y=\"{text}\">{value:.2} s</text>\n",
            LEFT - 10.0,
            LEFT + length + 8.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
