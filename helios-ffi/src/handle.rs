//! Handles: what C holds in place of a thing.
//!
//! A handle is a number in the form of a pointer, and no address: nothing is ever read from where it points. So one that was
//! freed, or is one of another type, or is no handle at all, is known for what it is, and refused. A thing that is freed while
//! a call uses it is there until that call returns.
//!
//! Slots and generations are those of `sharded-slab`, which takes no lock: the child of a fork may have lost whoever held one.

use std::{fmt, ptr, sync::LazyLock};

use sharded_slab::{Config, Entry, Slab};

use crate::{client::HeliosClient, config::HeliosConfig, consumer::HeliosConsumer, error::Failure};

/// How handles are numbered. The topmost two bits say of what type the thing is, so that no handle is NULL; 24 bits count how
/// often a slot was used.
pub(crate) struct Numbers;

impl Config for Numbers {
    const INITIAL_PAGE_SIZE: usize = 32;
    /// Of things that are there at the same time it is about two million for each thread.
    const MAX_PAGES: usize = 16;
    const MAX_THREADS: usize = 16_384;
    const RESERVED_BITS: usize = 2;
}

/// Things of one type.
pub(crate) type Things<T> = Slab<T, Numbers>;

/// A thing, while a call uses it.
pub(crate) type Held<T> = Entry<'static, T, Numbers>;

/// What C can have a handle of.
pub(crate) trait Thing: Sized + Send + Sync + 'static {
    /// Not 0, and no other type's: two bits.
    const TAG: usize;
    /// Its type in C.
    const TYPE: &'static str;

    /// All that there are.
    fn all() -> &'static Things<Self>;
}

/// Makes things of a type, each with its name in C.
macro_rules! things {
    ($($type:ident = $tag:literal, $name:literal;)+) => {$(
        impl Thing for $type {
            const TAG: usize = $tag;
            const TYPE: &'static str = $name;

            fn all() -> &'static Things<Self> {
                static ALL: LazyLock<Things<$type>> =
                    LazyLock::new(Slab::new_with_config::<Numbers>);
                &ALL
            }
        }
    )+};
}

things! {
    HeliosClient = 1, "helios_client";
    HeliosConfig = 2, "helios_config";
    HeliosConsumer = 3, "helios_consumer";
}

const TAG_SHIFT: u32 = usize::BITS - 2;

/// A new handle, to be freed by [`free`].
pub(crate) fn hand_out<T: Thing>(thing: T) -> Result<*mut T, Failure> {
    let number = T::all().insert(thing).ok_or(Failure::TooManyHandles(T::TYPE))?;
    Ok(ptr::without_provenance_mut(number | T::TAG << TAG_SHIFT))
}

/// The thing of this handle.
pub(crate) fn held<T: Thing>(handle: *const T, argument: &'static str) -> Result<Held<T>, Failure> {
    if handle.is_null() {
        return Err(Failure::NullArgument(argument));
    }
    let found = number_of(handle).and_then(|number| T::all().get(number));
    found.ok_or(Failure::InvalidHandle { argument, wanted: T::TYPE })
}

/// Lets go of a thing: now, or when the calls that use it have returned. What is no handle, or not any more, is left alone.
pub(crate) fn free<T: Thing>(handle: *mut T) {
    if let Some(number) = number_of(handle) {
        T::all().remove(number);
    }
}

fn number_of<T: Thing>(handle: *const T) -> Option<usize> {
    let bits = handle.addr();
    (bits >> TAG_SHIFT == T::TAG).then_some(bits & !(T::TAG << TAG_SHIFT))
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    /// Says when it is gone.
    #[derive(Debug)]
    struct Apple(Arc<AtomicBool>);

    impl Drop for Apple {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[derive(Debug)]
    struct Pear;

    things! {
        Apple = 1, "apple";
        Pear = 2, "pear";
    }

    fn refused<T: Thing>(handle: *const T) -> bool {
        matches!(held(handle, "fruit"), Err(Failure::InvalidHandle { argument: "fruit", .. }))
    }

    #[test]
    fn what_is_freed_is_refused_and_freeing_it_again_is_nothing() {
        let gone = Arc::new(AtomicBool::new(false));
        let first = hand_out(Apple(Arc::clone(&gone))).unwrap();
        assert!(!first.is_null() && held(first, "fruit").is_ok());
        free(first);
        assert!(gone.load(Ordering::Relaxed) && refused(first));
        // Its slot has another thing in it, which has another number.
        let second = hand_out(Apple(Arc::default())).unwrap();
        assert_ne!(first, second);
        free(first);
        assert!(refused(first) && held(second, "fruit").is_ok());
        free(second);
    }

    #[test]
    fn what_is_none_is_refused() {
        let apple = hand_out(Apple(Arc::default())).unwrap();
        assert!(refused(apple.cast::<Pear>()));
        free(apple.cast::<Pear>());
        assert!(held(apple, "fruit").is_ok());
        assert!(refused(ptr::from_ref(&0_u64).cast::<Apple>()));
        for bits in [1, usize::MAX, 1 << TAG_SHIFT, apple.addr() ^ 1 << 40] {
            assert!(refused(ptr::without_provenance::<Apple>(bits)), "{bits:#x}");
            free(ptr::without_provenance_mut::<Apple>(bits));
        }
        assert!(matches!(held(ptr::null::<Apple>(), "fruit"), Err(Failure::NullArgument("fruit"))));
        free(apple);
    }

    #[test]
    fn what_is_freed_while_it_is_used_is_there_until_then() {
        let gone = Arc::new(AtomicBool::new(false));
        let apple = hand_out(Apple(Arc::clone(&gone))).unwrap();
        let used = held(apple, "fruit").unwrap();
        free(apple);
        assert!(refused(apple) && !gone.load(Ordering::Relaxed));
        drop(used);
        assert!(gone.load(Ordering::Relaxed));
    }

    /// Each number of a slot comes again after so many others at the earliest.
    #[test]
    fn a_number_is_not_used_again_soon() {
        let first = hand_out(Apple(Arc::default())).unwrap();
        free(first);
        for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
            let next = hand_out(Apple(Arc::default())).unwrap();
            assert_ne!(first, next);
            free(next);
        }
    }
}
