//! The raw loop: the same documents as the extension sends, their bytes fetched, inflated and thrown away. It runs in a
//! process of its own, so that what it costs can be told from what the server costs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::measure;

/// What it is started with, in the place of what is to be measured.
pub const ARGUMENT: &str = "raw";

/// One request of a reading.
#[derive(Clone)]
pub struct Step {
    pub document: String,
    pub variables: Value,
}

/// The process that runs it.
pub struct Raw {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Raw {
    pub fn start() -> Raw {
        let program = std::env::current_exe().expect("this program's file");
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let orders = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Raw {
            child,
            orders,
            answers,
        }
    }

    /// Seconds, and seconds of CPU.
    pub fn run(&mut self, url: &str, token: &str, steps: &[Step]) -> (f64, f64) {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| json!({"query": step.document, "variables": step.variables}))
            .collect();
        let order = json!({"url": url, "token": token, "steps": steps});
        writeln!(self.orders, "{order}").expect("the raw loop listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the raw loop answers");
        let answer: Value = serde_json::from_str(&line).expect("the raw loop answers in JSON");
        let seconds = |name: &str| answer[name].as_f64().expect("seconds");
        (seconds("seconds"), seconds("cpu"))
    }
}

/// The process's life: an order a line, until there are no more.
pub fn serve() {
    // Other crates of this build have a client with TLS, and then every client asks for its cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let client = reqwest::Client::new();
    for line in std::io::stdin().lines() {
        let order: Value =
            serde_json::from_str(&line.expect("a line")).expect("an order is written in JSON");
        let steps = order["steps"].as_array().expect("steps");
        let text = |name: &str| order[name].as_str().expect("a text");
        let (started, cpu) = (Instant::now(), measure::cpu(std::process::id()));
        runtime.block_on(read(&client, text("url"), text("token"), steps));
        println!(
            "{}",
            json!({
                "seconds": started.elapsed().as_secs_f64(),
                "cpu": measure::cpu(std::process::id()) - cpu,
            })
        );
    }
}

async fn read(client: &reqwest::Client, url: &str, token: &str, steps: &[Value]) {
    // Of each document, where its last page ended.
    let mut ends: HashMap<&str, String> = HashMap::new();
    let mut text = Vec::new();
    for step in steps {
        let document = step["query"].as_str().expect("a document");
        let mut variables = step["variables"].clone();
        if let Some(end) = ends.get(document)
            && variables["after"].is_string()
        {
            variables["after"] = json!(end);
        }
        let body = json!({"query": document, "variables": variables});
        let reply = client
            .post(url)
            .bearer_auth(token)
            .header("content-type", "application/json")
            .header("accept-encoding", "gzip")
            .body(body.to_string())
            .send()
            .await
            .expect("a reply");
        let is_gzip = reply.headers().contains_key("content-encoding");
        let bytes = reply.bytes().await.expect("a body");
        text.clear();
        if is_gzip {
            flate2::read::GzDecoder::new(&bytes[..])
                .read_to_end(&mut text)
                .expect("gzip");
        } else {
            text.extend_from_slice(&bytes);
        }
        if let Some(end) = end_cursor(&text) {
            ends.insert(document, end);
        }
    }
}

/// The cursor, without looking at the records behind it.
fn end_cursor(text: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"endCursor\":\"";
    let start = text.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let length = text[start..].iter().position(|&byte| byte == b'"')?;
    String::from_utf8(text[start..start + length].to_vec()).ok()
}
