//! Reads the CPU time and memory of processes from Linux.

use std::fs;

/// Returns the CPU seconds of a process and all its children, including those that exited.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let (own, ended) = stat(pid).map_or((0, 0), |stat| (stat.own, stat.children));
    let living: u64 = children(pid).iter().filter_map(|child| stat(*child)).map(|stat| stat.own + stat.children).sum();
    ticks(own + ended + living)
}

#[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
fn ticks(ticks: u64) -> f64 {
    // Linux reports times in units of 1/100 s.
    ticks as f64 / 100.0
}

/// Returns the peak and the current memory of a process in MiB.
pub(crate) fn memory_mib(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
    };
    (mib("VmHWM:"), mib("VmRSS:"))
}

/// Returns the parent of a process.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|stat| stat.parent)
}

struct Stat {
    parent: u32,
    own: u64,
    children: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain any character.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}
