//! Kinesis: credentials and session, list, shard reader, sample, record.

mod compression;
mod credentials;
mod credentials_request;
mod defect;
mod describe;
mod encoding;
pub(crate) mod error;
mod events;
mod format;
#[cfg(test)]
mod framings;
mod identity;
mod kpl;
mod list;
mod position;
mod put;
mod reader;
mod record;
mod sample;
mod sequence;
mod session;
mod shard_sample;
mod shards;

pub use credentials::Credentials;
pub use credentials_request::CredentialsRequest;
pub use defect::Defect;
pub use describe::{StreamDescription, describe};
pub(crate) use error::is_refused_argument;
pub use format::Format;
pub use identity::{CallerIdentity, caller_identity};
pub use list::{Stream, list};
pub use position::Position;
pub use put::{EventsPut, PutEvents, put_events};
pub use reader::{Page, ShardReader, ShardRecord, ShardStart};
pub use record::MAX_UNPACKED_BYTES;
pub(crate) use record::{UnreadableRecord, events_of};
pub use sample::{
    DefectiveRecord, Sample, SampleEnd, SampleOptions, SampleProgress, SampledEvent, sample, sample_while,
};
pub use sequence::compare_sequence_numbers;
pub use session::{AwsSession, AwsSettings};
pub(crate) use shards::ancestors;
pub use shards::{Shard, list_shards, readable};
#[cfg(fuzzing)]
pub(crate) use {events::events, record::payloads};
#[cfg(test)]
pub(crate) use {framings::framings, sample::sample_for_tests};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SharedClock;

    const fn assert_send_sync<T: Send + Sync>() {}

    const _: () = {
        assert_send_sync::<AwsSession>();
        assert_send_sync::<Credentials>();
        assert_send_sync::<ShardReader>();
        assert_send_sync::<crate::Error>();
    };

    /// Never called: that it compiles says that every operation can run on a shared executor.
    #[expect(dead_code, reason = "checked by the compiler, not run")]
    fn futures_are_send(session: &AwsSession, reader: &mut ShardReader, clock: &SharedClock) {
        fn assert_send(_: impl Send) {}
        assert_send(list(session));
        assert_send(put_events(session, &PutEvents::new("", Vec::new()), clock));
        assert_send(describe(session, ""));
        assert_send(caller_identity(session));
        assert_send(list_shards(session, ""));
        assert_send(reader.next_page(1));
        let options = SampleOptions::default();
        assert_send(sample(session, "", &options, clock));
    }
}
