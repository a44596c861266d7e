//! A schedule of crontab in the words of systemd.

const DAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The setting of a systemd timer for a schedule as pg_cron takes it: five fields, or a number of seconds. `None` if it is
/// neither.
pub fn systemd_calendar(schedule: &str) -> Option<String> {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    match fields[..] {
        [number, "second" | "seconds"] => {
            let seconds: u32 = number.parse().ok()?;
            Some(format!("OnUnitActiveSec={seconds}s OnActiveSec=0"))
        }
        [minute, hour, day, month, weekday] => {
            let days = match weekday {
                "*" => String::new(),
                days => format!("{} ", list(days, weekdays)?),
            };
            Some(format!(
                "OnCalendar={days}*-{}-{} {}:{}:00",
                list(month, |part| Some(numbers(part, 1)))?,
                list(day, |part| Some(numbers(part, 1)))?,
                list(hour, |part| Some(numbers(part, 0)))?,
                list(minute, |part| Some(numbers(part, 0)))?,
            ))
        }
        _ => None,
    }
}

fn list(field: &str, part: impl Fn(&str) -> Option<String>) -> Option<String> {
    let parts: Option<Vec<String>> = field.split(',').map(part).collect();
    parts.map(|parts| parts.join(","))
}

/// `*/5` is `0/5`, and `1-5` is `1..5`.
fn numbers(part: &str, lowest: u32) -> String {
    part.strip_prefix("*/")
        .map_or_else(|| part.to_owned(), |step| format!("{lowest}/{step}"))
        .replace('-', "..")
}

/// Numbers of days become names; names stay.
fn weekdays(part: &str) -> Option<String> {
    if part == "*" {
        return Some("Mon..Sun".to_owned());
    }
    let days: Option<Vec<&str>> = part
        .split('-')
        .map(|day| match day.parse::<usize>() {
            Ok(number) => DAYS.get(number).copied(),
            Err(_) => Some(day),
        })
        .collect();
    days.map(|days| days.join(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_of_crontab_are_said_in_systemds_words() {
        for (schedule, calendar) in [
            ("*/30 * * * *", "OnCalendar=*-*-* *:0/30:00"),
            ("15 6 * * 1-5", "OnCalendar=Mon..Fri *-*-* 6:15:00"),
            ("0 2,14 1 */3 *", "OnCalendar=*-1/3-1 2,14:0:00"),
            ("0 4 * * 0", "OnCalendar=Sun *-*-* 4:0:00"),
            (" 0 4 * * Sat ", "OnCalendar=Sat *-*-* 4:0:00"),
            ("30 seconds", "OnUnitActiveSec=30s OnActiveSec=0"),
        ] {
            assert_eq!(systemd_calendar(schedule).as_deref(), Some(calendar));
        }
        for wrong in ["hourly", "", "1 2 3 4", "x seconds", "0 0 * * 9"] {
            assert_eq!(systemd_calendar(wrong), None, "{wrong}");
        }
    }
}
