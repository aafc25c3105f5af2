//! Whether a write into a pipe that nobody reads ends the process.

use std::fs;

/// The number of `SIGPIPE` on Linux.
const SIGPIPE: u32 = 13;

/// Whether this process ignores `SIGPIPE`: programs in Rust and Python do by default, others do not. Asked each time, as any library
/// may change it. `false` where the system does not tell.
pub(crate) fn is_ignored() -> bool {
    cfg!(target_os = "linux")
        && fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status).unwrap_or(false))
}

/// `SigIgn`, a mask in hexadecimal, in which signal 1 is the lowest bit.
fn ignores(status: &str) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (SIGPIPE - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thirteenth_bit_counts() {
        assert_eq!(ignores("SigBlk:\t0000000000001000\nSigIgn:\t0000000080001000\n"), Some(true));
        assert_eq!(ignores("SigIgn:\t0000000080000800\n"), Some(false));
        assert_eq!(ignores("SigIgn:\tx\n"), None);
        assert_eq!(ignores("SigCgt:\t0000000000001000\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn programs_in_rust_ignore_it() {
        assert!(is_ignored());
    }
}
