//! Delivery from this process, in the background.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{convert::Infallible, ffi::c_char, sync::Arc, time::Duration};

use helios_core::{
    ConsumeOptions, ConsumeReport, Error, ErrorKind, WatchedConsumer,
    delivery::{ConsumeProgress, StopConsumer},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    boundary,
    client::HeliosClient,
    error::{Failure, HeliosError},
    handle::{free, hand_out, held},
    json,
    pointer::{output, text},
    runtime::{block_on, refuse_fork, spawn},
    status::HeliosStatus,
};

/// A stream that is delivered in the background. Any number of threads may use one at the same time.
#[derive(Debug)]
pub struct HeliosConsumer {
    stop: StopConsumer,
    progress: watch::Receiver<ConsumeProgress>,
    end: watch::Receiver<Option<End>>,
    broken_off: CancellationToken,
}

/// What has become of it.
type End = Arc<Result<ConsumeReport, Arc<HeliosError>>>;

impl HeliosConsumer {
    fn start(client: &HeliosClient, options: ConsumeOptions) -> Result<Self, Failure> {
        let (held, mut released) = mpsc::channel::<Infallible>(1);
        let consumer = client.core().consume(options.stream_name.clone()).options(options);
        // The consumer's tasks, which end a moment after they were told to, have this as long as they use the client.
        let consumer = consumer.on_progress(move |_| {
            let _held = &held;
        });
        let consumer = client.wait(consumer.start_watched())?;
        let stop = consumer.stopper();
        let (tell, progress) = watch::channel(ConsumeProgress::default());
        let (say, end) = watch::channel(None);
        let broken_off = CancellationToken::new();
        let until = broken_off.clone();
        spawn(async move {
            let outcome = until.run_until_cancelled(run(consumer, tell)).await;
            // Whoever frees a consumer, and then its client, finds the engine closed.
            while released.recv().await.is_some() {}
            let outcome = outcome.unwrap_or_else(|| Err(freed()));
            say.send_replace(Some(Arc::new(outcome.map_err(|error| Arc::new(Failure::from(error).into())))));
        })?;
        Ok(Self { stop, progress, end, broken_off })
    }
}

/// Waits for the end of a consumer, for so long at most.
async fn ended(mut end: watch::Receiver<Option<End>>, limit: Option<Duration>) -> Option<End> {
    let end = async {
        let told = end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        // Who would have said so is gone.
        told.unwrap_or_else(|| Arc::new(Err(Arc::new(Failure::Panic("in the background".to_owned()).into()))))
    };
    match limit {
        Some(limit) => timeout(limit, end).await.ok(),
        None => Some(end.await),
    }
}

async fn run(
    consumer: WatchedConsumer,
    tell: watch::Sender<ConsumeProgress>,
) -> Result<ConsumeReport, Error> {
    consumer
        .run_while(|so_far| {
            tell.send_replace(so_far.clone());
            true
        })
        .await
}

fn freed() -> Error {
    Error::new(ErrorKind::Cancelled, "the consumer was freed before its end").at("consume")
}

/// Starts to deliver a stream to all its tables, in the background, and returns when it has begun. To be freed by
/// `helios_consumer_free`.
///
/// `options_json` as for `helios_client_consume`, which waits for the end: for one that goes on until it is stopped,
/// `{"streamName": "clicks", "untilCaughtUp": false}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_start_consumer(
    client: *const HeliosClient,
    options_json: *const c_char,
    consumer: *mut *mut HeliosConsumer,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let (options, consumer) =
            unsafe { (text(options_json, "options_json")?, output(consumer, "consumer")?) };
        let options: ConsumeOptions = json::object(options, "options_json")?;
        consumer.write(hand_out(HeliosConsumer::start(&client, options)?)?);
        Ok(())
    })
}

/// What the consumer has done so far, at most a second ago, and in the end, by the batches it has delivered: `{"records", "received", "delivered",
/// "quarantined", "duplicatesSkipped", "shards": [{"shard", …}]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_consumer_progress(
    consumer: *const HeliosConsumer,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        refuse_fork()?;
        let consumer = held(consumer, "consumer")?;
        // SAFETY: the caller's promise.
        let json = unsafe { output(json, "json")? };
        let so_far = consumer.progress.borrow().clone();
        json.write(json::answer(&so_far)?);
        Ok(())
    })
}

/// Asks the consumer to end, which it does within a second or with the batch under way, and does not wait for that. Asking
/// again is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_consumer_stop(
    consumer: *const HeliosConsumer,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        refuse_fork()?;
        held(consumer, "consumer")?.stop.stop();
        Ok(())
    })
}

/// Waits for the end of the consumer, and answers as `helios_client_consume`: with its report, or with why it failed. That can be
/// asked again.
///
/// `seconds`: how long to wait at most, 0 to look only, negative for no limit. HELIOS_STATUS_TIMEOUT if it still goes on then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_consumer_wait(
    consumer: *const HeliosConsumer,
    seconds: f64,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        let consumer = held(consumer, "consumer")?;
        // SAFETY: the caller's promise.
        let json = unsafe { output(json, "json")? };
        if seconds.is_nan() {
            return Err(Error::new(ErrorKind::InvalidInput, "`seconds` is not a number").into());
        }
        // Negative, and what is longer than any clock counts: no limit.
        let limit = Duration::try_from_secs_f64(seconds).ok();
        let end = block_on(async { Ok(ended(consumer.end.clone(), limit).await) })?.ok_or_else(|| {
            let message = format!("the consumer has not ended within {seconds} s; it goes on");
            Error::new(ErrorKind::Timeout, message).at("consume").retryable(true)
        })?;
        let report = end.as_ref().as_ref().map_err(|error| Failure::Told(Arc::clone(error)))?;
        json.write(json::answer(report)?);
        Ok(())
    })
}

/// Frees a consumer. NULL is fine. One that still runs is ended at once, as by the end of the process, and waited for: nothing is
/// lost or doubled by that. To end it in order, stop it and wait first. Whoever waits for it on another thread gets
/// HELIOS_STATUS_CANCELLED.
///
/// In a fork of the process that made it it does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn helios_consumer_free(consumer: *mut HeliosConsumer) {
    boundary::value((), || {
        // As for a client.
        if refuse_fork().is_err() {
            return;
        }
        let Ok(running) = held(consumer, "consumer") else { return };
        running.broken_off.cancel();
        // Not in a function of the caller's that Helios waits for.
        drop(block_on(async { Ok(ended(running.end.clone(), None).await) }));
        free(consumer);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_panics_is_not_taken_for_one_that_goes_on() {
        let (say, end) = watch::channel(None);
        let waits = |limit| block_on(async { Ok(ended(end.clone(), limit).await) }).unwrap();
        assert!(waits(Some(Duration::ZERO)).is_none());
        drop(say);
        for limit in [Some(Duration::ZERO), None] {
            let failed = waits(limit).unwrap();
            assert_eq!(failed.as_ref().as_ref().unwrap_err().status(), HeliosStatus::Panic);
        }
    }
}
