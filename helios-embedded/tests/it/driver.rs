//! An engine of the host's own. That one works like libchdb is tested where there is one, in the Python package.

use std::{path::Path, sync::Arc};

use helios_embedded::{Driver, DriverConnection, Engine, Error, Options};

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
