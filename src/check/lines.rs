//! Texts in lines that a terminal can show beside others.

/// The text in lines that a terminal can show beside others, broken at blanks, so that a statement stays one.
pub fn wrapped(text: &str, line_length: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for word in words(text) {
        let letters = word.chars().count();
        match lines.last_mut() {
            Some(line) if length + 1 + letters <= line_length => {
                line.push(' ');
                line.push_str(&word);
                length += 1 + letters;
            }
            _ => {
                lines.push(word);
                length = letters;
            }
        }
    }
    lines.join("\n")
}

/// The words between which a line may be broken: what stands in quotes is one, because a statement has to run as it is
/// shown. An apostrophe is no quote.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut before) = (None, ' ');
    for c in text.chars() {
        match quote {
            None if c == ' ' => words.push(String::new()),
            None if matches!(c, '\'' | '"') && !before.is_alphanumeric() => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        if (c != ' ' || quote.is_some())
            && let Some(word) = words.last_mut()
        {
            word.push(c);
        }
        before = c;
    }
    words
}
