//! A schedule of crontab in the words of systemd.

const DAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

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
            // The last day of a month is $ to pg_cron.
            let day = match day {
                "$" => "~1".to_owned(),
                day => format!("-{}", list(day, |part| numbers(part, 1, 31))?),
            };
            Some(format!(
                "OnCalendar={days}*-{}{day} {}:{}:00",
                list(&month_numbers(month), |part| numbers(part, 1, 12))?,
                list(hour, |part| numbers(part, 0, 23))?,
                list(minute, |part| numbers(part, 0, 59))?,
            ))
        }
        _ => None,
    }
}

fn list(field: &str, part: impl Fn(&str) -> Option<String>) -> Option<String> {
    let parts: Option<Vec<String>> = field.split(',').map(part).collect();
    parts.map(|parts| parts.join(","))
}

/// `*/5` is `0/5`, and `1-5` is `1..5`. `None` for what is no number of that kind.
fn numbers(part: &str, lowest: u32, highest: u32) -> Option<String> {
    let number = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|number| (lowest..=highest).contains(number))
    };
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (
            range,
            Some(step.parse::<u32>().ok().filter(|step| *step > 0)?),
        ),
        None => (part, None),
    };
    let range = match (range, range.split_once('-')) {
        ("*", _) if step.is_some() => lowest.to_string(),
        ("*", _) => "*".to_owned(),
        (_, Some((from, to))) => format!("{}..{}", number(from)?, number(to)?),
        (one, None) => number(one)?.to_string(),
    };
    Some(match step {
        Some(step) => format!("{range}/{step}"),
        None => range,
    })
}

/// Names of months become numbers.
fn month_numbers(field: &str) -> String {
    MONTHS
        .iter()
        .zip(1..)
        .fold(field.to_ascii_lowercase(), |field, (name, number)| {
            field.replace(name, &number.to_string())
        })
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
            Err(_) => DAYS.into_iter().find(|name| name.eq_ignore_ascii_case(day)),
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
            ("0 4 $ Jan-mar,12 *", "OnCalendar=*-1..3,12~1 4:0:00"),
            ("0 8-18/2 * * *", "OnCalendar=*-*-* 8..18/2:0:00"),
            ("30 seconds", "OnUnitActiveSec=30s OnActiveSec=0"),
        ] {
            assert_eq!(systemd_calendar(schedule).as_deref(), Some(calendar));
        }
        for wrong in [
            "hourly",
            "",
            "1 2 3 4",
            "x seconds",
            "0 0 * * 9",
            "99 * * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "*/0 * * * *",
            "$(id) * * * *",
            "0 0 * * $(id)",
        ] {
            assert_eq!(systemd_calendar(wrong), None, "{wrong}");
        }
    }
}
