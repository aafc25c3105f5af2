//! How far the bytes of an answer have got.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The answering half of a connection, seen from outside of hyper.
///
/// A client looks for ClickHouse's exception frame at the end of *one* chunk. The frame stays in one piece only if
/// nothing is before it on its way, which hyper does not tell.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    written: AtomicU64,
    /// Bytes that the client took off the wire, where that can be known.
    taken: Option<AtomicU64>,
    blocked: AtomicBool,
    waker: AtomicWaker,
}

impl Wire {
    /// A wire to a client in this process, whose reading can be seen.
    pub(crate) fn in_process() -> Arc<Self> {
        Arc::new(Self { taken: Some(AtomicU64::new(0)), ..Self::default() })
    }

    /// A wire to a client behind a socket: what the operating system accepted counts as arrived.
    pub(crate) fn socket() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Bytes written so far, if none of them is still on its way.
    fn settled(&self) -> Option<u64> {
        let written = self.written.load(Ordering::Acquire);
        let taken = self.taken.as_ref().map_or(written, |taken| taken.load(Ordering::Acquire));
        (taken == written && !self.blocked.load(Ordering::Acquire)).then_some(written)
    }
}

/// Waits, inside a response body, until everything the body gave out before has arrived.
///
/// hyper flushes its buffer after each time the body is pending. So if nothing was written between two looks at a
/// settled wire, hyper had nothing left to write.
#[derive(Debug)]
pub(crate) struct Flushed {
    wire: Arc<Wire>,
    seen: Option<u64>,
}

impl Flushed {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire, seen: None }
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.wire.waker.register(context.waker());
        let settled = self.wire.settled();
        if settled.is_some() && settled == self.seen {
            self.seen = None;
            return Poll::Ready(());
        }
        self.seen = settled;
        if settled.is_some() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// The service's end of a wire.
#[derive(Debug)]
pub(crate) struct ServiceEnd<Io> {
    inner: Io,
    wire: Arc<Wire>,
}

impl<Io> ServiceEnd<Io> {
    pub(crate) fn new(inner: Io, wire: Arc<Wire>) -> Self {
        Self { inner, wire }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.wire.blocked.store(written.is_pending(), Ordering::Release);
        if let Poll::Ready(Ok(length)) = written {
            self.wire.written.fetch_add(length as u64, Ordering::AcqRel);
        }
        written
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for ServiceEnd<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for ServiceEnd<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, data);
        self.note(outcome)
    }

    /// Otherwise hyper copies all that it writes into one buffer.
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, data);
        self.note(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// The client's end of a wire in this process.
#[derive(Debug)]
pub(crate) struct ClientEnd<Io> {
    inner: Io,
    wire: Arc<Wire>,
}

impl<Io> ClientEnd<Io> {
    pub(crate) fn new(inner: Io, wire: Arc<Wire>) -> Self {
        Self { inner, wire }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for ClientEnd<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if let Some(taken) = &self.wire.taken {
            taken.fetch_add((buffer.filled().len() - before) as u64, Ordering::AcqRel);
            self.wire.waker.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for ClientEnd<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
