//! Whether to try again, and when: a pure function of what happened.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

/// How a request is retried.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Attempts at one request, the first included.
    pub max_attempts: u32,
    /// Ceiling of the first delay.
    pub initial_backoff: Duration,
    /// Ceiling of any delay.
    pub max_backoff: Duration,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No connection, or one that broke before the reply was complete.
    Connection,
    /// No reply in time.
    Timeout,
    /// An HTTP status that is no success, with its `Retry-After`.
    Status { status: StatusCode, retry_after: Option<String> },
    /// A success whose body is no GraphQL reply.
    BadReply,
    /// GraphQL errors; `transient` if they say so themselves.
    GraphQl { transient: bool },
    /// Anything that another attempt would meet again.
    Permanent,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait that long, then try again.
    RetryAfter(Duration),
    /// Another attempt would not help.
    GiveUp,
    /// All attempts are made.
    Exhausted,
    /// The API asks for a longer wait than the policy allows.
    WaitTooLong(Duration),
    /// The wait would outlast the statement.
    PastDeadline(Duration),
}

/// Decides after attempt number `attempt` (from 1). `random` is uniform in 0..1; `left` is the time until the statement
/// ends, if it does.
pub fn decide(outcome: &Outcome, attempt: u32, policy: &Policy, random: f64, now: SystemTime, left: Option<Duration>) -> Decision {
    if !is_retryable(outcome) {
        return Decision::GiveUp;
    }
    let asked = match outcome {
        Outcome::Status { retry_after: Some(text), .. } => parse_retry_after(text, now),
        _ => None,
    };
    if let Some(asked) = asked.filter(|asked| *asked > policy.max_backoff) {
        return Decision::WaitTooLong(asked);
    }
    if attempt >= policy.max_attempts {
        return Decision::Exhausted;
    }
    let jitter = backoff(attempt, policy, random);
    let delay = match asked {
        // What the API asks for is a floor; the jitter on top keeps many waiters from coming back together.
        Some(asked) => (asked + jitter).min(policy.max_backoff.max(asked)),
        None => jitter,
    };
    match left {
        Some(left) if delay >= left => Decision::PastDeadline(delay),
        _ => Decision::RetryAfter(delay),
    }
}

/// Full jitter: anything from nothing to a ceiling that doubles with each attempt.
fn backoff(attempt: u32, policy: &Policy, random: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let ceiling = policy.initial_backoff.saturating_mul(1 << doublings).min(policy.max_backoff);
    ceiling.mul_f64(random.clamp(0.0, 1.0))
}

fn is_retryable(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Connection | Outcome::Timeout | Outcome::BadReply => true,
        Outcome::Status { status, .. } => matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504),
        Outcome::GraphQl { transient } => *transient,
        Outcome::Permanent => false,
    }
}

/// `Retry-After` in both its forms, seconds and a date; anything else counts as absent.
pub fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{Exhausted, GiveUp, PastDeadline, RetryAfter, WaitTooLong};

    const POLICY: Policy = Policy {
        max_attempts: 3,
        initial_backoff: Duration::from_millis(250),
        max_backoff: Duration::from_secs(30),
    };

    fn status(code: u16, retry_after: Option<&str>) -> Outcome {
        Outcome::Status {
            status: StatusCode::from_u16(code).expect("a status"),
            retry_after: retry_after.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_retried_and_what_is_not() {
        let ms = Duration::from_millis;
        let table: &[(Outcome, u32, f64, Decision)] = &[
            (Outcome::Connection, 1, 1.0, RetryAfter(ms(250))),
            (Outcome::Connection, 2, 1.0, RetryAfter(ms(500))),
            (Outcome::Connection, 3, 1.0, Exhausted),
            (Outcome::Connection, 1, 0.0, RetryAfter(ms(0))),
            (Outcome::Connection, 1, 0.5, RetryAfter(ms(125))),
            (Outcome::Timeout, 1, 1.0, RetryAfter(ms(250))),
            (Outcome::BadReply, 2, 1.0, RetryAfter(ms(500))),
            (Outcome::GraphQl { transient: true }, 1, 1.0, RetryAfter(ms(250))),
            (Outcome::GraphQl { transient: false }, 1, 1.0, GiveUp),
            (Outcome::Permanent, 1, 1.0, GiveUp),
            (status(408, None), 1, 1.0, RetryAfter(ms(250))),
            (status(425, None), 1, 1.0, RetryAfter(ms(250))),
            (status(429, None), 1, 1.0, RetryAfter(ms(250))),
            (status(500, None), 1, 1.0, RetryAfter(ms(250))),
            (status(502, None), 1, 1.0, RetryAfter(ms(250))),
            (status(503, None), 2, 1.0, RetryAfter(ms(500))),
            (status(504, None), 3, 1.0, Exhausted),
            (status(400, None), 1, 1.0, GiveUp),
            (status(401, Some("1")), 1, 1.0, GiveUp),
            (status(403, None), 1, 1.0, GiveUp),
            (status(404, None), 1, 1.0, GiveUp),
            (status(501, None), 1, 1.0, GiveUp),
            (status(429, Some("1")), 1, 0.0, RetryAfter(ms(1_000))),
            (status(429, Some("1")), 1, 1.0, RetryAfter(ms(1_250))),
            (status(429, Some("30")), 1, 1.0, RetryAfter(ms(30_000))),
            (status(429, Some("31")), 1, 1.0, WaitTooLong(ms(31_000))),
            (status(429, Some("31536000")), 3, 1.0, WaitTooLong(ms(31_536_000_000))),
            (status(429, Some("soon")), 1, 1.0, RetryAfter(ms(250))),
            (status(429, Some("-5")), 1, 1.0, RetryAfter(ms(250))),
            (status(503, Some("Thu, 01 Jan 1970 00:00:10 GMT")), 1, 0.0, RetryAfter(ms(10_000))),
            (status(503, Some("Thu, 01 Jan 1970 00:01:10 GMT")), 1, 0.0, WaitTooLong(ms(70_000))),
        ];
        for (outcome, attempt, random, decision) in table {
            assert_eq!(decide(outcome, *attempt, &POLICY, *random, SystemTime::UNIX_EPOCH, None), *decision, "{outcome:?} {attempt}");
        }
    }

    #[test]
    fn a_date_in_the_past_is_no_wait() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(parse_retry_after("Thu, 01 Jan 1970 00:00:10 GMT", now), Some(Duration::ZERO));
    }

    #[test]
    fn no_wait_outlasts_the_statement() {
        let left = Some(Duration::from_millis(200));
        assert_eq!(
            decide(&Outcome::Connection, 1, &POLICY, 1.0, SystemTime::UNIX_EPOCH, left),
            PastDeadline(Duration::from_millis(250))
        );
        assert_eq!(
            decide(&Outcome::Connection, 1, &POLICY, 0.5, SystemTime::UNIX_EPOCH, left),
            RetryAfter(Duration::from_millis(125))
        );
    }

    #[test]
    fn the_backoff_never_passes_its_ceiling() {
        for attempt in 1..200 {
            assert!(backoff(attempt, &POLICY, 1.0) <= POLICY.max_backoff);
        }
    }
}
