//! What Helios logs, for a function of the caller's.

#![expect(unsafe_code, reason = "the C ABI: exported names, and the caller's function is called")]

use std::{
    cell::Cell,
    ffi::{c_char, c_void},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use helios_core::{Error, ErrorKind, LogLine, take_log_lines};
use tracing::{Level, level_filters::LevelFilter};

use crate::{
    boundary,
    error::{Failure, HeliosError},
    pointer::User,
    runtime::refuse_fork,
    status::HeliosStatus,
    text::c_text,
};

/// How bad it is that something is logged: one of `HELIOS_LOG_…`.
pub type HeliosLogLevel = u32;

/// Nothing is logged.
pub const HELIOS_LOG_OFF: HeliosLogLevel = 0;
/// Something failed that nobody waits for, or that needs a person.
pub const HELIOS_LOG_ERROR: HeliosLogLevel = 1;
/// Something is not as it should be; Helios goes on.
pub const HELIOS_LOG_WARN: HeliosLogLevel = 2;
/// What a person wants to know who watches: that something began, or ended.
pub const HELIOS_LOG_INFO: HeliosLogLevel = 3;
/// What helps to find a defect.
pub const HELIOS_LOG_DEBUG: HeliosLogLevel = 4;
/// Each step.
pub const HELIOS_LOG_TRACE: HeliosLogLevel = 5;

/// What is given what Helios logs: the pointer that was given to `helios_log_set`, how bad it is, where in Helios, such as
/// `"helios_core::delivery::worker"`, and what happened, in one line without a line break. Both texts live until it returns,
/// and hold no secret.
///
/// It is called on any thread, also on threads of Helios, one call at a time; who logs waits for it. It must not call Helios,
/// but for the functions of errors and texts, nor wait for a thread that does, and must return.
pub type HeliosOnLog = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        level: HeliosLogLevel,
        target: *const c_char,
        message: *const c_char,
    ),
>;

struct Logger {
    call: unsafe extern "C" fn(*mut c_void, HeliosLogLevel, *const c_char, *const c_char),
    user: User,
}

/// Who is told. Held while somebody is, so that nobody is told after [`helios_log_set`] has returned.
static LOGGER: Mutex<Option<Logger>> = Mutex::new(None);
/// The level that is logged, and all that are worse.
static WANTED: AtomicU32 = AtomicU32::new(HELIOS_LOG_OFF);

thread_local! {
    /// Whether this thread is in the caller's function: what is logged meanwhile would end in the same place.
    static LOGS: Cell<bool> = const { Cell::new(false) };
}

/// Has `on_log` told what Helios logs, from `level` on and all that is worse, in place of who was told before. `on_log` may be
/// NULL: nobody, as at first, and as with HELIOS_LOG_OFF. When this has returned, the function before is not called any more.
///
/// It is for the whole process. `user` is passed on to `on_log` as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_log_set(
    level: HeliosLogLevel,
    on_log: HeliosOnLog,
    user: *mut c_void,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        refuse_fork()?;
        refuse_reentry()?;
        if level > HELIOS_LOG_TRACE {
            let message =
                format!("`level` is {level}; it is one of HELIOS_LOG_OFF (0) to HELIOS_LOG_TRACE (5)");
            return Err(Error::new(ErrorKind::InvalidInput, message).into());
        }
        let logger = on_log.map(|call| Logger { call, user: User(user) });
        let wanted = if logger.is_some() { level } else { HELIOS_LOG_OFF };
        if wanted != HELIOS_LOG_OFF {
            begin()?;
        }
        *LOGGER.lock().unwrap_or_else(PoisonError::into_inner) = logger;
        WANTED.store(wanted, Ordering::Relaxed);
        Ok(())
    })
}

/// The caller's function waits for nothing of Helios, and Helios waits for it.
///
/// # Errors
///
/// On a thread that is in that function.
pub(crate) fn refuse_reentry() -> Result<(), Failure> {
    if !LOGS.get() {
        return Ok(());
    }
    let message = "a function that was given to helios_log_set calls Helios, which waits for that function; do it on \
                   another thread";
    Err(Error::new(ErrorKind::InvalidInput, message).into())
}

/// Begins to collect what is logged.
fn begin() -> Result<(), Failure> {
    static BEGUN: OnceLock<Result<(), Error>> = OnceLock::new();
    let begun =
        BEGUN.get_or_init(|| take_log_lines(|level| number(level) <= WANTED.load(Ordering::Relaxed), tell));
    begun.as_ref().copied().map_err(|error| Error::new(error.kind(), error.text().into_owned()).into())
}

fn tell(line: LogLine) {
    if LOGS.replace(true) {
        return;
    }
    let logger = LOGGER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Logger { call, user }) = logger.as_ref() {
        let (target, message) = (c_text(line.target), c_text(line.text));
        // SAFETY: the caller's promise.
        unsafe { call(user.0, number(line.level), target.as_ptr(), message.as_ptr()) };
    }
    drop(logger);
    LOGS.set(false);
}

fn number(level: Level) -> HeliosLogLevel {
    match LevelFilter::from_level(level) {
        LevelFilter::ERROR => HELIOS_LOG_ERROR,
        LevelFilter::WARN => HELIOS_LOG_WARN,
        LevelFilter::INFO => HELIOS_LOG_INFO,
        LevelFilter::DEBUG => HELIOS_LOG_DEBUG,
        _ => HELIOS_LOG_TRACE,
    }
}
