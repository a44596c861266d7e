//! What admins write beside people: keys of an HR system, remarks in any script, and text that breaks careless code.

use super::dice::{Aspect, Dice};

const REMARKS: &[&str] = &[
    "On leave until spring 🌱",
    "said \"call me later\"",
    "home drive C:\\Users\\new\\temp",
    "first line\nsecond line\r\nthird\twith a tab",
    "'; DROP TABLE users; --",
    "{\"hr\": {\"grade\": 7, \"tags\": [\"a\", null]}}",
    "NULL",
    "  spaces around  ",
    "Übernahme durch Größe – siehe § 7",
    "परीक्षा उत्तीर्ण",
    "עובדת זמנית",
    "👩🏽‍💻 pair with 👨‍👩‍👧‍👦",
    "e\u{301}crit en forme décomposée",
    "right-to-left \u{202e}mark\u{202c} inside",
    "<b>contractor</b> & co.",
    "100% $1 {0} %s \\n ${HOME}",
    "a,b;c|d",
    "\u{1}\u{1f}\u{7f} control characters",
];

/// The note of a person: absent, empty, an HR key, or a remark.
pub(super) fn note(seed: u64, index: u64) -> Option<String> {
    let mut dice = Dice::new(seed, Aspect::Note, index);
    match dice.below(1000) {
        0..350 => None,
        350..430 => Some(String::new()),
        430..820 => Some(format!("HR-{:06}", index + 10_001)),
        820..995 => Some(dice.pick(REMARKS).to_owned()),
        // A whole mail pasted into the field.
        _ => Some("Dear colleagues, naïve café — résumé attached. ".repeat(60)),
    }
}
