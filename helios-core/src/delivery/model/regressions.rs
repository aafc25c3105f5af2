//! Schedules that once went wrong, by their seeds, and what was wrong.

use super::{LeftOut, run};

#[tokio::test]
async fn schedules_that_once_went_wrong() {
    let schedules = [(
        29,
        "a refused range within what was left of another: its remainder was lost, and with it which rejects were in \
         quarantine",
    )];
    for (seed, what) in schedules {
        assert_eq!(run(seed, LeftOut::Nothing).await, Ok(()), "{seed}: {what}");
    }
}
