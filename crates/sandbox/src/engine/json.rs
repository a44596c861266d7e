//! JSON text, written straight from records.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// A JSON text in the making.
#[derive(Debug, Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn raw(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    pub(crate) fn null(&mut self) {
        self.raw(b"null");
    }

    pub(crate) fn text(&mut self, text: &str) {
        // A string always serialises, and a vector takes every byte.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.raw(number.to_string().as_bytes());
    }

    pub(crate) fn truth(&mut self, truth: bool) {
        self.raw(if truth { b"true" } else { b"false" });
    }

    /// As the API writes it: ISO 8601, milliseconds, `Z`.
    pub(crate) fn instant(&mut self, instant: DateTime<Utc>) {
        let parts = [
            (b'"', instant.year().unsigned_abs(), 1000),
            (b'-', instant.month(), 10),
            (b'-', instant.day(), 10),
            (b'T', instant.hour(), 10),
            (b':', instant.minute(), 10),
            (b':', instant.second(), 10),
            (b'.', instant.timestamp_subsec_millis(), 100),
        ];
        for (mark, number, highest) in parts {
            self.0.push(mark);
            let mut unit = highest;
            while unit > 0 {
                self.0.push(b'0' + (number / unit % 10) as u8);
                unit /= 10;
            }
        }
        self.raw(b"Z\"");
    }

    pub(crate) fn value(&mut self, value: &serde_json::Value) {
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    pub(crate) fn maybe<T: ?Sized>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T),
    ) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    pub(crate) fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        self.raw(b"[");
        for (place, text) in texts.into_iter().enumerate() {
            if place > 0 {
                self.raw(b",");
            }
            self.text(text);
        }
        self.raw(b"]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::instant_text;

    #[test]
    fn an_instant_is_written_as_chrono_would() {
        for seconds in [0, 1_612_137_600, 1_793_491_199, 951_782_400, 4_102_444_799] {
            let instant = DateTime::from_timestamp(seconds, 7_000_000).expect("in range");
            let mut json = Json::default();
            json.instant(instant);
            assert_eq!(
                String::from_utf8(json.into_bytes()).expect("text"),
                format!("\"{}\"", instant_text(&instant))
            );
        }
    }

    #[test]
    fn text_is_escaped() {
        let mut json = Json::default();
        json.texts(["a\"b\\c\n\u{1}", "é🌱"]);
        let read: Vec<String> = serde_json::from_slice(&json.into_bytes()).expect("JSON");
        assert_eq!(read, ["a\"b\\c\n\u{1}", "é🌱"]);
    }
}
