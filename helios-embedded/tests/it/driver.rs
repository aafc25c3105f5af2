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
    Analysis, Counts, Driver, DriverConnection, DriverInsert, Engine, Error, Options, Output, libchdb,
    stop_before_exit,
};

use crate::{
    child::{again, part, run},
    support::{code, count, scratch},
};

struct Refusing;

impl Driver for Refusing {
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        Err(format!("not today, {}", path.display()))
    }

    fn origin(&self) -> String {
        "a test".to_owned()
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

/// libchdb, of a host that is asked to stop its engine while the last client closes it.
struct Closing(Arc<dyn Driver>);

impl Driver for Closing {
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        self.0.connect(path)
    }

    fn origin(&self) -> String {
        self.0.origin()
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

#[test]
fn an_engine_that_is_being_closed_has_not_stopped() {
    const TEST: &str = "driver::an_engine_that_is_being_closed_has_not_stopped";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("closing")));
        return;
    };
    let libchdb = Arc::new(Closing(libchdb(None).unwrap()));
    drop(Engine::open_with(base.join("data"), libchdb).unwrap());
    assert!(stop_before_exit());
}

/// What a driver reports although it is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// A streamed insert that ClickHouse refuses has succeeded, as the package chdb 4.4.0 says.
    StreamedErrors,
    /// The same of every statement.
    Errors,
    /// Rows were inserted.
    Counts,
    /// Rows were inserted that are nowhere.
    Rows,
}

/// libchdb, but for one lie.
struct Lying(Arc<dyn Driver>, Lie);

impl Driver for Lying {
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        Ok(Box::new(LyingConnection(self.0.connect(path)?, self.1)))
    }

    fn origin(&self) -> String {
        "liar 1.0".to_owned()
    }
}

struct LyingConnection(Box<dyn DriverConnection>, Lie);

impl DriverConnection for LyingConnection {
    fn run(&mut self, sql: &[u8], format: &str, parameters: &[(String, String)]) -> Result<Output, String> {
        let output = self.0.run(sql, format, parameters);
        if sql.starts_with(b"INSERT") { lied(output, self.1 == Lie::Errors, self.1) } else { output }
    }

    fn classify(&mut self, sql: &[u8]) -> Analysis {
        self.0.classify(sql)
    }

    fn complaint(&mut self, sql: &[u8], parameters: &[(String, String)]) -> Option<String> {
        self.0.complaint(sql, parameters)
    }

    fn insert<'connection>(
        &'connection mut self,
        head: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Box<dyn DriverInsert + 'connection>, String> {
        Ok(Box::new(LyingInsert(self.0.insert(head, format, parameters)?, self.1)))
    }
}

struct LyingInsert<'connection>(Box<dyn DriverInsert + 'connection>, Lie);

impl DriverInsert for LyingInsert<'_> {
    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        self.0.append(data)
    }

    fn finish(self: Box<Self>) -> Result<Output, String> {
        let Self(insert, lie) = *self;
        if lie == Lie::Rows {
            // Dropped, it commits nothing.
            let counts = Counts { written_rows: 2, ..Counts::default() };
            return Ok(Output { counts, ..Output::default() });
        }
        lied(insert.finish(), matches!(lie, Lie::StreamedErrors | Lie::Errors), lie)
    }
}

fn lied(output: Result<Output, String>, hides_errors: bool, lie: Lie) -> Result<Output, String> {
    match output {
        Err(_) if hides_errors => Ok(Output::default()),
        Ok(mut output) if lie == Lie::Counts => {
            output.counts.written_rows += 1;
            Ok(output)
        }
        output => output,
    }
}

/// A driver whose insert stream lies gets its rows in another way; one that lies in every way is refused.
#[test]
fn what_a_driver_reports_is_proved() {
    const TEST: &str = "driver::what_a_driver_reports_is_proved";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("lying")));
        return;
    };
    let libchdb = libchdb(None).unwrap();
    for lie in [Lie::Errors, Lie::Counts] {
        let error =
            Engine::open_with(base.join("data"), Arc::new(Lying(Arc::clone(&libchdb), lie))).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("liar 1.0") && said.contains("cannot be trusted with inserts"),
            "{lie:?}: {said}"
        );
    }
    for lie in [Lie::StreamedErrors, Lie::Rows] {
        let driver = Arc::new(Lying(Arc::clone(&libchdb), lie));
        let engine = Engine::open_with(base.join(format!("{lie:?}")), driver).unwrap();
        assert_eq!(engine.origin(), "liar 1.0");
        tokio::runtime::Runtime::new().unwrap().block_on(inserts_are_right(&engine));
    }
}

/// Inserts of every form, good ones and bad ones.
async fn inserts_are_right(engine: &Engine) {
    let client = clickhouse::Client::with_http_client(engine.http_client())
        .with_url("http://embedded")
        .with_compression(clickhouse::Compression::None);
    let execute = async |sql: &str| client.query(sql).execute().await;
    execute("CREATE TABLE t (id UInt64, v Int64 DEFAULT 7, CONSTRAINT c CHECK v >= 0) ORDER BY id")
        .await
        .unwrap();
    let refused = code(execute("INSERT INTO t VALUES (1, 1), (2, -1)").await);
    assert_eq!((refused, count(&client, "t").await), (469, 0));
    execute("INSERT INTO t (id, v) VALUES (1, 1), (2, 2 + 3)").await.unwrap();
    execute("INSERT INTO t (id) SETTINGS max_threads = 1 FORMAT JSONEachRow {\"id\":3}\n\n{\"id\":4}")
        .await
        .unwrap();
    execute("INSERT INTO t SETTINGS async_insert = 0 VALUES (5, 9)").await.unwrap();
    assert_eq!(code(execute("INSERT INTO t FORMAT JSONEachRow {\"id\":\"x\"}").await), 27);
    assert_eq!(code(execute("INSERT INTO t SETTINGS nosuch = 1 FORMAT TSV 6\t6").await), 115);
    assert_eq!(code(execute("INSERT INTO nosuch VALUES (1)").await), 60);
    let sum: u64 = client.query("SELECT toUInt64(sum(v)) FROM t").fetch_one().await.unwrap();
    assert_eq!((count(&client, "t").await, sum), (5, 1 + 5 + 7 + 7 + 9));
    let read_only = client.clone().with_setting("readonly", "1");
    assert_eq!(code(read_only.query("INSERT INTO t VALUES (9, 9)").execute().await), 164);
}
