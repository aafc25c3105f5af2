//! Handlers of operations whose request is the library's options, and whose answer is its result.

use std::future::Future;

use axum::Json;
use tracing::Instrument as _;

use crate::{error::ApiError, refusal::Refusal};

/// A handler: its path, on whose behalf it runs, in whose slot if in any, what it takes and what it answers, each as the library and as OpenAPI
/// has it, and what it does.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        $name:ident at $path:tt for $caller:ident $(in $slot:ident)?:
        $request:ty as $request_body:ty => $answer:ty as $answer_body:ty,
        |$client:ident, $options:ident| $run:expr
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            post,
            tag = "Helios",
            path = $path,
            request_body = $request_body,
            responses(
                (status = 200, body = $answer_body),
                (status = "4XX", body = $crate::error::ErrorBody),
                (status = "5XX", body = $crate::error::ErrorBody),
            )
        )]
        pub(crate) async fn $name(
            $(slot: $crate::state::$slot,)?
            $crate::caller::$caller($client): $crate::caller::$caller,
            $crate::extract::JsonBody($options): $crate::extract::JsonBody<$request>,
        ) -> Result<axum::Json<$answer>, $crate::error::ApiError> {
            let run = async move { $run.await };
            $(let run = $crate::handlers::operation::hold::<$crate::state::$slot, _>(slot, run);)?
            run.await
        }
    };
    // Without a body.
    (
        $(#[$doc:meta])*
        $name:ident at $method:ident $path:tt for $caller:ident:
        $answer:ty as $answer_body:ty,
        |$client:ident| $run:expr
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            $method,
            tag = "Helios",
            path = $path,
            responses(
                (status = 200, body = $answer_body),
                (status = "4XX", body = $crate::error::ErrorBody),
                (status = "5XX", body = $crate::error::ErrorBody),
            )
        )]
        pub(crate) async fn $name(
            $crate::caller::$caller($client): $crate::caller::$caller,
        ) -> Result<axum::Json<$answer>, $crate::error::ApiError> {
            $run.await
        }
    };
    // Of one source, which the path names.
    (
        $(#[$doc:meta])*
        $name:ident at $method:ident $path:tt of $source:ident $(and $query:ident: $of_query:ty as $described:tt)?
        for $caller:ident:
        $answer:ty as $answer_body:ty,
        |$client:ident| $run:expr
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            $method,
            tag = "Helios",
            path = $path,
            params(
                ("source" = String, Path, description = "Its id, or its table: `clicks`, `shop.clicks`"),
                $($described,)?
            ),
            responses(
                (status = 200, body = $answer_body),
                (status = "4XX", body = $crate::error::ErrorBody),
                (status = "5XX", body = $crate::error::ErrorBody),
            )
        )]
        pub(crate) async fn $name(
            $crate::caller::$caller($client): $crate::caller::$caller,
            $crate::extract::SourceName($source): $crate::extract::SourceName,
            $($crate::extract::UrlQuery($query): $crate::extract::UrlQuery<$of_query>,)?
        ) -> Result<axum::Json<$answer>, $crate::error::ApiError> {
            $run.await
        }
    };
}

pub(crate) use operation;

/// Answers what an operation answers.
pub(crate) async fn answer<T>(
    operation: impl Future<Output = helios_core::Result<T>>,
) -> Result<Json<T>, ApiError> {
    Ok(Json(operation.await?))
}

/// Holds a slot until the operation has ended, which can be later than its reader has left: its statements run on.
pub(crate) async fn hold<S: Send + 'static, T: Send + 'static>(
    slot: S,
    operation: impl Future<Output = Result<Json<T>, ApiError>> + Send + 'static,
) -> Result<Json<T>, ApiError> {
    let held = async move {
        let answer = operation.await;
        drop(slot);
        answer
    };
    tokio::spawn(held.in_current_span()).await.map_err(|_| Refusal::Panicked)?
}

/// The same of an operation that has effects: in a task of its own, as a reader that goes away must not cut it in the
/// middle.
pub(crate) async fn answer_apart<T: Send + 'static>(
    operation: impl Future<Output = helios_core::Result<T>> + Send + 'static,
) -> Result<Json<T>, ApiError> {
    let task = tokio::spawn(operation.in_current_span());
    Ok(Json(task.await.map_err(|_| Refusal::Panicked)??))
}
