//! Keys as numbers.

use std::hash::{BuildHasher, RandomState};

use siphasher::sip::SipHasher13;

/// How keys become fingerprints of 64 bits: by SipHash under a random key, so that nobody can make two keys that share one.
/// All of a text is there at once, which std's hasher makes little of.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprints {
    texts: SipHasher13,
    others: SipHasher13,
}

impl Fingerprints {
    /// Under a key of its own.
    pub fn random() -> Fingerprints {
        let random = RandomState::new();
        let hasher = |number: u64| {
            SipHasher13::new_with_keys(random.hash_one(number), random.hash_one(number + 1))
        };
        Fingerprints {
            texts: hasher(0),
            others: hasher(2),
        }
    }

    pub(crate) fn of_text(&self, text: &str) -> u64 {
        self.texts.hash(text.as_bytes())
    }

    /// Of a value that is no text, as JSON.
    pub(crate) fn of_json(&self, json: &str) -> u64 {
        self.others.hash(json.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_of_one_kind_have_one_fingerprint() {
        let (one, other) = (Fingerprints::random(), Fingerprints::random());
        let copy = one;
        for text in ["", "1", "12345678", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
            assert_eq!(one.of_text(text), copy.of_text(text));
            assert_ne!(one.of_text(text), one.of_json(text));
            assert_ne!(one.of_text(text), other.of_text(text));
            assert_ne!(one.of_text(text), one.of_text(&format!("{text}\0")));
        }
    }
}
