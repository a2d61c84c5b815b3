//! What a process and its children have used, as reported by Linux.

use std::fs;

/// Seconds of CPU that a process and all its children have used, those that ended included.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let (own, ended) = stat(pid).map_or((0, 0), |stat| (stat.own, stat.children));
    let living: u64 = children(pid).iter().filter_map(|child| stat(*child)).map(|stat| stat.own + stat.children).sum();
    ticks(own + ended + living)
}

#[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
fn ticks(ticks: u64) -> f64 {
    // Linux tells times to programs in hundredths, whatever the kernel counts in.
    ticks as f64 / 100.0
}

/// The most memory a process has used, and what it uses now, in MiB.
pub(crate) fn memory_mib(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
    };
    (mib("VmHWM:"), mib("VmRSS:"))
}

/// The process that started a process.
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
    // The name is in parentheses and may contain anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
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
