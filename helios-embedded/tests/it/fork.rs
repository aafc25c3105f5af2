//! A forked child of a process with an engine.

#![expect(
    unsafe_code,
    reason = "`fork` and `_exit` are what is tested, and the standard library has neither"
)]

use std::{
    ffi::{c_int, c_uint},
    time::Duration,
};

use helios_embedded::{Engine, Error, Options};
use tokio::runtime::Runtime;

use crate::{
    child::{again, block_on, client, part, run},
    support::{code, scratch},
};

unsafe extern "C" {
    safe fn fork() -> c_int;
    safe fn alarm(seconds: c_uint) -> c_uint;
    safe fn _exit(status: c_int) -> !;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
}

/// The status of a child that has ended by itself.
fn wait_for(child: c_int) -> c_int {
    let mut status = -1;
    // SAFETY: `status` is valid for writes.
    let ended = unsafe { waitpid(child, &raw mut status, 0) };
    assert_eq!((ended, status & 0x7F), (child, 0), "{status:#x}");
    status >> 8
}

#[test]
fn the_engine_refuses_to_work_in_a_forked_child() {
    const TEST: &str = "fork::the_engine_refuses_to_work_in_a_forked_child";
    let Some((_, path)) = part() else {
        run(again(TEST, "all", &scratch("fork")));
        return;
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = Engine::open(Options::new(&path)).unwrap();
    let kept = client(&engine);
    let parents: Runtime = runtime();
    parents.block_on(kept.query("SELECT 1").execute()).unwrap();

    let child = fork();
    if child == 0 {
        // A child that waits for ever is ended.
        alarm(30);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let again = Engine::open(Options::new(&path));
            assert!(matches!(again, Err(Error::Forked)), "{again:?}");
            for (runtime, client) in [(runtime(), client(&engine)), (parents, kept)] {
                let query = async {
                    tokio::time::timeout(Duration::from_secs(20), client.query("SELECT 1").execute()).await
                };
                let outcome = runtime.block_on(query).expect("an answer at once");
                assert_eq!(code(outcome), 236);
            }
            // Drops what the child has copies of, without waiting for threads that are not there.
            drop(engine);
        }));
        _exit(i32::from(outcome.is_err()));
    }
    assert_eq!(wait_for(child), 0);
    parents.block_on(kept.query("SELECT 1").execute()).unwrap();
    drop((kept, engine));
    drop(Engine::open(Options::new(path)).unwrap());
}

#[test]
fn a_forked_child_ends() {
    const TEST: &str = "fork::a_forked_child_ends";
    let Some((part, path)) = part() else {
        for part in ["open", "closed"] {
            run(again(TEST, part, &scratch("end")));
        }
        return;
    };
    let engine = Engine::open(Options::new(path)).unwrap();
    block_on(client(&engine).query("SELECT sum(number) FROM numbers_mt(1000000)").execute()).unwrap();
    let engine = Some(engine).filter(|_| part == "open");
    let child = fork();
    if child == 0 {
        alarm(30);
        #[expect(clippy::exit, reason = "what is tested")]
        std::process::exit(3);
    }
    assert_eq!(wait_for(child), 3);
    drop(engine);
}
