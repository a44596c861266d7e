//! The form in which addresses, identifiers and names compare, whatever the locale of a database.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// `text` without what cannot be seen, with one blank for any run of blanks and none at the ends, in Unicode's full case
/// folding and normal form NFC. `None` if nothing is left. The key of a key is itself.
pub fn match_key(text: &str) -> Option<String> {
    // As nearly every address is: nothing of it is invisible or blank.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(text.to_ascii_lowercase());
    }
    let visible = tidied(text);
    if visible.is_empty() {
        return None;
    }
    if visible.is_ascii() {
        return Some(visible.to_ascii_lowercase());
    }
    // Canonical caseless matching, as chapter 3.13 of the Unicode standard defines it: decomposed before it is folded.
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&visible);
    let folded = CaseMapper::new().fold_string(&decomposed);
    Some(
        ComposingNormalizerBorrowed::new_nfc()
            .normalize(&folded)
            .into_owned(),
    )
}

/// What `match_key` keeps of a text before it folds it.
fn tidied(text: &str) -> String {
    let unseen = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let mut tidy = String::with_capacity(text.len());
    let mut blank = false;
    for character in text.chars() {
        if character.is_whitespace() {
            blank = true;
        } else if !character.is_control() && (character.is_ascii() || !unseen.contains(character)) {
            if blank && !tidy.is_empty() {
                tidy.push(' ');
            }
            blank = false;
            tidy.push(character);
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::match_key;

    #[test]
    fn one_person_written_in_many_ways_has_one_key() {
        for (written, key) in [
            ("ada@x.com", "ada@x.com"),
            ("ADA@X.com", "ada@x.com"),
            (" ada@x.com\r\n", "ada@x.com"),
            ("\u{a0}ada@x.com\u{3000}\t", "ada@x.com"),
            ("\u{feff}ada\u{200b}@x.com\0", "ada@x.com"),
            ("ad\u{ad}a@x.com", "ada@x.com"),
            ("J\u{d6}RG@x.de", "j\u{f6}rg@x.de"),
            ("JO\u{308}RG@x.de", "j\u{f6}rg@x.de"),
            ("Jo\u{200d}\u{308}rg@x.de", "j\u{f6}rg@x.de"),
            ("STRASSE", "strasse"),
            ("stra\u{df}e", "strasse"),
            ("Stra\u{1e9e}e", "strasse"),
            ("INFO@x.com.tr", "info@x.com.tr"),
            (
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
            ),
            (
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
            ),
            ("Ada \u{a0} Lovelace", "ada lovelace"),
            ("\u{212b}", "\u{e5}"),
        ] {
            assert_eq!(match_key(written).as_deref(), Some(key), "{written:?}");
        }
    }

    #[test]
    fn what_differs_to_the_eye_differs() {
        for (one, other) in [("a@x", "\u{e4}@x"), ("a.b@x", "ab@x"), ("a b", "ab")] {
            assert_ne!(match_key(one), match_key(other));
        }
    }

    #[test]
    fn nothing_has_no_key() {
        for blank in ["", " ", "\t\r\n", "\u{a0}\u{200b}\u{feff}", "\0"] {
            assert_eq!(match_key(blank), None, "{blank:?}");
        }
    }

    #[test]
    fn the_key_of_a_key_is_itself() {
        // Every character that folds to another one lies below.
        for character in '\0'..'\u{20000}' {
            let text = format!("a{character}\u{345}\u{308}b");
            let key = match_key(&text).expect("letters are left");
            assert_eq!(match_key(&key), Some(key.clone()), "{character:?}");
        }
    }
}
