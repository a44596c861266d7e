//! What Linux tells of a process.

use std::fs;

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    pub seconds: f64,
    pub requests: u64,
    /// Of the replies, as they were sent.
    pub bytes: u64,
    /// Seconds of CPU, all threads.
    pub cpu: f64,
    /// By how many bytes the process grew at most, where that is known.
    pub growth: Option<u64>,
}

/// Seconds of CPU that the threads of a process have used so far.
pub fn cpu(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    let nanoseconds: u64 = threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok())
        .sum();
    nanoseconds as f64 / 1e9
}

/// Seconds of CPU that ended children of this process, and theirs, have used so far.
pub fn cpu_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells of this process");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    // Linux counts in hundredths of a second here.
    ticks as f64 / 100.0
}

/// From now on the most memory that a process has held is counted anew.
pub fn forget_peak(pid: u32) {
    // Where that is not allowed, the growth includes what was there before.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
