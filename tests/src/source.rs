//! What the product's source says: the texts that hold a statement for people to run.

use std::path::{Path, PathBuf};

/// Words that begin a statement.
const VERBS: [&str; 12] = [
    "ALTER", "CALL", "COMMENT", "CREATE", "DELETE", "DROP", "GRANT", "IMPORT", "REVOKE", "SELECT",
    "TRUNCATE", "UPDATE",
];

/// A text of the source that holds a statement, in pieces: what stands between them is filled in at run time.
#[derive(Debug)]
pub struct Advice {
    pub file: PathBuf,
    pub text: String,
    pieces: Vec<String>,
}

impl Advice {
    /// Whether a message as it was seen can have been made from this text. Its lines may have been broken.
    pub fn made(&self, message: &str) -> bool {
        let message = message.replace('\n', " ");
        let mut rest = message.as_str();
        self.pieces.iter().all(|piece| match rest.find(piece) {
            Some(position) => {
                rest = rest.get(position + piece.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    }
}

/// Every statement of a text for people, from its first word to its semicolon.
pub fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = first_verb(rest) {
        let candidate = rest.get(start..).unwrap_or_default();
        let Some(end) = end_of_statement(candidate) else {
            break;
        };
        found.push(candidate[..end].to_owned());
        rest = candidate.get(end + 1..).unwrap_or_default();
    }
    found
}

fn first_verb(text: &str) -> Option<usize> {
    verbs(text).min()
}

fn last_verb(text: &str) -> Option<usize> {
    verbs(text).max()
}

/// Where statements may begin.
fn verbs(text: &str) -> impl Iterator<Item = usize> {
    VERBS.iter().flat_map(move |verb| {
        text.match_indices(verb)
            .map(|(position, _)| position)
            .filter(move |&position| {
                let before = text[..position].chars().next_back();
                let after = text[position + verb.len()..].chars().next();
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '"')
                    && after.is_some_and(char::is_whitespace)
            })
    })
}

/// The position of the semicolon that ends the statement, outside quotes.
fn end_of_statement(text: &str) -> Option<usize> {
    let mut quote = None;
    for (position, c) in text.char_indices() {
        match quote {
            None if c == ';' => return Some(position),
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// The code that the product is made of, without its tests. `root` is the workspace's folder.
pub fn product(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for (folder, extension) in [
        ("src", "rs"),
        ("crates/pluralsight-api/src", "rs"),
        ("crates/pluralsight-catalog/src", "rs"),
        ("sql", "sql"),
    ] {
        for file in files(&root.join(folder), extension) {
            if file.ends_with("tests.rs") {
                continue;
            }
            let source = std::fs::read_to_string(&file).expect("a source file");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            found.push((file, code.to_owned()));
        }
    }
    found
}

/// Every text of the product's source that holds a statement for people. `root` is the workspace's folder.
pub fn advice(root: &Path) -> Vec<Advice> {
    product(root)
        .into_iter()
        // It writes a page of the documentation.
        .filter(|(file, _)| !file.ends_with("reference.rs"))
        .flat_map(|(file, code)| {
            let (texts, placeholder) = if file.extension().is_some_and(|it| it == "sql") {
                (sql_texts(&code), ("%", ""))
            } else {
                (rust_texts(&code), ("{", "}"))
            };
            texts
                .into_iter()
                .filter_map(|text| of_text(&file, text, placeholder))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn of_text(file: &Path, text: String, placeholder: (&str, &str)) -> Option<Advice> {
    // A message's statement ends in a semicolon; a statement that the product runs itself does not.
    let holds = last_verb(&text).is_some_and(|start| text[start..].contains(';'));
    holds.then(|| Advice {
        file: file.to_owned(),
        pieces: pieces(&text, placeholder),
        text,
    })
}

/// The text between its placeholders: `{name}` of Rust's format, `%I` of PostgreSQL's.
fn pieces(text: &str, (open, close): (&str, &str)) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        pieces.push(rest[..start].to_owned());
        let after = &rest[start + open.len()..];
        rest = if close.is_empty() {
            after.get(1..).unwrap_or_default()
        } else {
            after
                .find(close)
                .and_then(|end| after.get(end + close.len()..))
                .unwrap_or_default()
        };
    }
    pieces.push(rest.to_owned());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The plain string literals of Rust code. Raw ones hold SQL that the product runs, and comments are for others.
fn rust_texts(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find('\'').map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            let (text, length) = rust_text(rest);
            found.push(text);
            length
        } else {
            c.len_utf8()
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    found
}

/// The literal at the start of `code`, and how much of it that is.
fn rust_text(code: &str) -> (String, usize) {
    let mut text = String::new();
    let mut characters = code.char_indices().skip(1).peekable();
    while let Some((position, c)) = characters.next() {
        match c {
            '"' => return (text, position + 1),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('\n') => while characters.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    (text, code.len())
}

/// The string literals of SQL, those inside of functions too.
fn sql_texts(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    let mut parts = code.split('\'').skip(1);
    while let Some(first) = parts.next() {
        let mut text = first.to_owned();
        // Two quotes stand for one.
        while let Some("") = parts.next() {
            text.push('\'');
            text.push_str(parts.next().unwrap_or_default());
        }
        found.push(text);
    }
    found
}
