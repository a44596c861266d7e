//! Whether and when a request is sent again. Nothing here waits or sends: what to do is a function of what happened.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// What came of one attempt, as far as another one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// An HTTP status other than success, and how long the server asked to wait (`Retry-After`).
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// No connection could be made.
    NotConnected,
    /// The reply did not come, or did not end, in time.
    TimedOut,
    /// The reply was cut short, or was not a GraphQL answer.
    Broken,
    /// GraphQL errors all of which say that they will pass, and how long the server asked to wait.
    Transient { retry_after: Option<Duration> },
    /// Something that another attempt would meet again.
    Permanent,
}

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts at one request, the first one included.
    pub max_attempts: u32,
    /// The most that the first wait may take.
    pub initial_backoff: Duration,
    /// The most that any wait may take.
    pub max_backoff: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Stop(Reason),
    /// Wait that long, then send the request again.
    RetryAfter(Duration),
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Another attempt would meet the same.
    Permanent,
    /// All attempts have been made.
    AttemptsUsed,
    /// The server asked to wait longer than [`Policy::max_backoff`].
    WaitTooLong(Duration),
    /// The wait would end after the deadline.
    Deadline(Duration),
}

/// Decides after attempt number `attempt` (from 1). `random` is uniform from 0 to 1 and spreads the waits of many
/// clients over the whole interval ("full jitter"); what the server asks for is waited to the letter.
pub fn decide(
    outcome: Outcome,
    attempt: u32,
    policy: Policy,
    random: f64,
    now: Instant,
    deadline: Option<Instant>,
) -> Decision {
    let retry_after = match outcome {
        Outcome::Permanent => return Decision::Stop(Reason::Permanent),
        Outcome::Status { status, .. } if !is_retried(status) => {
            return Decision::Stop(Reason::Permanent);
        }
        Outcome::Status { retry_after, .. } | Outcome::Transient { retry_after } => retry_after,
        Outcome::NotConnected | Outcome::TimedOut | Outcome::Broken => None,
    };
    if let Some(asked) = retry_after
        && asked > policy.max_backoff
    {
        return Decision::Stop(Reason::WaitTooLong(asked));
    }
    if attempt >= policy.max_attempts {
        return Decision::Stop(Reason::AttemptsUsed);
    }
    let wait = match retry_after {
        // A server that says "at once" is spared all the same.
        Some(asked) if !asked.is_zero() => asked,
        _ => ceiling(attempt, policy).mul_f64(random.clamp(0.0, 1.0)),
    };
    match deadline {
        Some(deadline) if now.checked_add(wait).is_none_or(|end| end >= deadline) => {
            Decision::Stop(Reason::Deadline(wait))
        }
        _ => Decision::RetryAfter(wait),
    }
}

/// Statuses of a server that may do better the next time.
pub fn is_retried(status: u16) -> bool {
    // 520 to 529 are what gateways say of a server behind them.
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529)
}

/// The most that the wait after attempt number `attempt` may take.
fn ceiling(attempt: u32, policy: Policy) -> Duration {
    let doubled = 1u32
        .checked_shl(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX);
    policy
        .initial_backoff
        .checked_mul(doubled)
        .unwrap_or(policy.max_backoff)
        .min(policy.max_backoff)
}

/// The length that a `Retry-After` header asks to wait: whole seconds, or an HTTP date, measured from `now` by the
/// sender's clock. A date that has passed is no
/// wait; anything else is ignored. A number too large to count is the longest wait there is.
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// How many requests one scan may send again in all, so that an API on its knees is not hammered.
#[derive(Debug)]
pub struct RetryBudget {
    allowed: u32,
    left: AtomicU32,
}

impl RetryBudget {
    pub fn new(retries: u32) -> RetryBudget {
        RetryBudget {
            allowed: retries,
            left: AtomicU32::new(retries),
        }
    }

    /// Retries still allowed.
    pub fn left(&self) -> u32 {
        self.left.load(Relaxed)
    }

    /// Retries allowed from the start.
    pub fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Takes one retry; false if none is left.
    pub(crate) fn take(&self) -> bool {
        self.left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

impl Default for RetryBudget {
    fn default() -> RetryBudget {
        RetryBudget::new(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        max_attempts: 3,
        initial_backoff: Duration::from_millis(250),
        max_backoff: Duration::from_secs(30),
    };

    fn status(status: u16, retry_after: Option<u64>) -> Outcome {
        Outcome::Status {
            status,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn what_is_retried_and_how_long_after() {
        use Decision::{RetryAfter, Stop};
        let ms = Duration::from_millis;
        let s = Duration::from_secs;
        let table = [
            // Statuses that may pass.
            (status(408, None), 1, 1.0, RetryAfter(ms(250))),
            (status(425, None), 1, 0.5, RetryAfter(ms(125))),
            (status(429, None), 1, 0.0, RetryAfter(ms(0))),
            (status(500, None), 2, 1.0, RetryAfter(ms(500))),
            (status(502, None), 2, 0.5, RetryAfter(ms(250))),
            (status(503, None), 3, 1.0, Stop(Reason::AttemptsUsed)),
            (status(504, None), 4, 1.0, Stop(Reason::AttemptsUsed)),
            (status(520, None), 1, 1.0, RetryAfter(ms(250))),
            (status(524, None), 1, 1.0, RetryAfter(ms(250))),
            (status(529, None), 1, 1.0, RetryAfter(ms(250))),
            // Retry-After.
            (status(429, Some(1)), 1, 1.0, RetryAfter(s(1))),
            (status(503, Some(30)), 2, 0.0, RetryAfter(s(30))),
            (
                status(429, Some(31)),
                1,
                0.5,
                Stop(Reason::WaitTooLong(s(31))),
            ),
            (
                status(429, Some(31)),
                3,
                0.5,
                Stop(Reason::WaitTooLong(s(31))),
            ),
            (
                status(429, Some(31_536_000)),
                1,
                0.5,
                Stop(Reason::WaitTooLong(s(31_536_000))),
            ),
            (
                status(429, Some(u64::MAX)),
                1,
                0.5,
                Stop(Reason::WaitTooLong(s(u64::MAX))),
            ),
            (status(429, Some(0)), 1, 1.0, RetryAfter(ms(250))),
            (
                Outcome::Transient {
                    retry_after: Some(s(2)),
                },
                1,
                0.5,
                RetryAfter(s(2)),
            ),
            // Whatever may be better the next time.
            (Outcome::NotConnected, 1, 1.0, RetryAfter(ms(250))),
            (Outcome::TimedOut, 1, 1.0, RetryAfter(ms(250))),
            (Outcome::Broken, 2, 1.0, RetryAfter(ms(500))),
            (
                Outcome::Transient { retry_after: None },
                3,
                1.0,
                Stop(Reason::AttemptsUsed),
            ),
            // What would come out the same.
            (status(400, None), 1, 1.0, Stop(Reason::Permanent)),
            (status(401, None), 1, 1.0, Stop(Reason::Permanent)),
            (status(403, Some(1)), 1, 1.0, Stop(Reason::Permanent)),
            (status(404, None), 1, 1.0, Stop(Reason::Permanent)),
            (status(501, None), 1, 1.0, Stop(Reason::Permanent)),
            (status(530, None), 1, 1.0, Stop(Reason::Permanent)),
            (Outcome::Permanent, 1, 1.0, Stop(Reason::Permanent)),
        ];
        for (outcome, attempt, random, expected) in table {
            let decision = decide(outcome, attempt, POLICY, random, Instant::now(), None);
            assert_eq!(decision, expected, "{outcome:?}, attempt {attempt}");
        }
    }

    #[test]
    fn a_wait_never_exceeds_the_cap_however_many_attempts() {
        let policy = Policy {
            max_attempts: u32::MAX,
            ..POLICY
        };
        for attempt in [8, 20, 31, 32, 33, 64, u32::MAX - 1] {
            let decision = decide(
                Outcome::TimedOut,
                attempt,
                policy,
                1.0,
                Instant::now(),
                None,
            );
            assert_eq!(
                decision,
                Decision::RetryAfter(policy.max_backoff),
                "attempt {attempt}"
            );
        }
        let odd = Policy {
            max_attempts: 9,
            initial_backoff: Duration::MAX,
            max_backoff: Duration::from_secs(1),
        };
        assert_eq!(
            decide(Outcome::TimedOut, 5, odd, 7.0, Instant::now(), None),
            Decision::RetryAfter(Duration::from_secs(1))
        );
    }

    #[test]
    fn a_wait_past_the_deadline_is_not_begun() {
        let now = Instant::now();
        let in_two_seconds = Some(now + Duration::from_secs(2));
        let decide = |seconds| {
            decide(
                status(429, Some(seconds)),
                1,
                POLICY,
                0.5,
                now,
                in_two_seconds,
            )
        };
        assert_eq!(decide(1), Decision::RetryAfter(Duration::from_secs(1)));
        assert_eq!(
            decide(2),
            Decision::Stop(Reason::Deadline(Duration::from_secs(2)))
        );
        assert_eq!(
            decide(20),
            Decision::Stop(Reason::Deadline(Duration::from_secs(20)))
        );
    }

    #[test]
    fn retry_after_is_read_in_both_its_forms_and_nonsense_is_ignored() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("0", Some(0)),
            ("1", Some(1)),
            (" 120 ", Some(120)),
            ("31536000", Some(31_536_000)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Tue, 06 Nov 1990 08:49:37 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:50:07 GMT", None),
            ("\u{661}\u{662}", None),
        ] {
            assert_eq!(
                parse_retry_after(value, now),
                expected.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_budget_is_spent_once() {
        let budget = RetryBudget::new(2);
        assert!(budget.take());
        assert!(budget.take());
        assert!(!budget.take());
        assert_eq!((budget.left(), budget.allowed()), (0, 2));
        assert_eq!(RetryBudget::default().left(), 10);
    }
}
