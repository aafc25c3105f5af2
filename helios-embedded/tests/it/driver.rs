//! An engine of the host's own. That one works like libchdb is tested where there is one, in the Python package.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use helios_embedded::{
    Analysis, Driver, DriverConnection, DriverInsert, Engine, Error, Options, Output, stop_before_exit,
};

use crate::{
    child::{again, part, run},
    support::scratch,
};

struct Refusing;

impl Driver for Refusing {
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        Err(format!("not today, {}", path.display()))
    }
}

#[test]
fn a_drivers_refusal_is_told_and_leaves_the_place_free() {
    const TEST: &str = "driver::a_drivers_refusal_is_told_and_leaves_the_place_free";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("driver")));
        return;
    };
    let path = base.join("data");
    let error = Engine::open_with(&path, Arc::new(Refusing)).unwrap_err();
    assert!(matches!(error, Error::EngineFailed { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("not today, {}", path.display())), "{error}");

    let engine = Engine::open(Options::new(base.join("other"))).unwrap();
    // Whichever way it was opened, a path is shared, and a process has one.
    assert_eq!(Engine::open_with(engine.path(), Arc::new(Refusing)).unwrap().path(), engine.path());
    let error = Engine::open_with(&path, Arc::new(Refusing)).unwrap_err();
    assert!(matches!(error, Error::OtherPathOpen { .. }), "{error:?}");
}

/// Of a host that is asked to stop its engine while the last client closes it.
struct Closing;

impl Driver for Closing {
    fn connect(&self, _: &Path) -> Result<Box<dyn DriverConnection>, String> {
        Ok(Box::new(Idle))
    }

    fn wait(&self, close: &mut (dyn FnMut() + Send)) {
        let (sender, stopped) = mpsc::channel();
        let host = thread::spawn(move || sender.send(stop_before_exit()).unwrap());
        assert_eq!(stopped.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));
        close();
        assert_eq!(stopped.recv_timeout(Duration::from_secs(60)), Ok(true));
        host.join().unwrap();
    }
}

struct Idle;

impl DriverConnection for Idle {
    fn run(&mut self, _: &[u8], _: &str, _: &[(String, String)]) -> Result<Output, String> {
        Ok(Output { printed: "Atomic\n".into(), ..Output::default() })
    }

    fn classify(&mut self, _: &[u8]) -> Analysis {
        Analysis::UNKNOWN
    }

    fn complaint(&mut self, _: &[u8], _: &[(String, String)]) -> Option<String> {
        None
    }

    fn insert<'connection>(
        &'connection mut self,
        _: &[u8],
        _: &str,
        _: &[(String, String)],
    ) -> Result<Box<dyn DriverInsert + 'connection>, String> {
        Err("not today".into())
    }
}

#[test]
fn an_engine_that_is_being_closed_has_not_stopped() {
    const TEST: &str = "driver::an_engine_that_is_being_closed_has_not_stopped";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("closing")));
        return;
    };
    drop(Engine::open_with(base.join("data"), Arc::new(Closing)).unwrap());
    assert!(stop_before_exit());
}
