//! What an input may cost, as a multiple of its length: heap bytes, and time of the processor.
//!
//! A target states its [`Bound`]. [`bounded`] fails above it, and prints the costliest input so far.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// Counts what is allocated. A target runs in one thread.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps to the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that an input may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Heap bytes for an empty input, and for each byte of one.
    pub heap: (u64, u64),
    /// Nanoseconds of the processor for an empty input, and for each byte of one. Instrumented code takes some four
    /// times as long as released code.
    pub nanos: (u64, u64),
}

/// Time that this thread has used of a processor, in nanoseconds: other processes don't count.
fn processor_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a place of the right type, and the clock exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// The greatest parts of the bound that were used, in millionths.
static WORST: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// How many inputs were measured: the first ones pay for what is set up once.
static RUNS: AtomicU64 = AtomicU64::new(0);
const WARM: u64 = 64;

/// Does work on an input of a length, and fails if it costs more than the bound.
///
/// # Panics
/// If it costs more, three times in a row.
pub fn bounded<T>(length: usize, bound: Bound, work: impl Fn() -> T) -> T {
    let length = length as u64;
    let part = |used: u64, (fixed, each): (u64, u64)| {
        used.saturating_mul(1_000_000) / fixed.saturating_add(each.saturating_mul(length)).max(1)
    };
    let measure = || {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let started = processor_time();
        let result = black_box(work());
        let nanos = processor_time().saturating_sub(started);
        (result, PEAK.load(Relaxed).saturating_sub(before) as u64, nanos)
    };
    let (mut result, heap, mut nanos) = measure();
    if RUNS.fetch_add(1, Relaxed) < WARM {
        return result;
    }
    // An interrupt is not the input's fault: what is repeated counts with its quickest time.
    for _ in 0..2 {
        if part(nanos, bound.nanos) > WORST[1].load(Relaxed) {
            let again = measure();
            (result, nanos) = (again.0, nanos.min(again.2));
        }
    }
    let parts = [part(heap, bound.heap), part(nanos, bound.nanos)];
    let records = [0, 1].map(|at| parts[at] > WORST[at].fetch_max(parts[at], Relaxed));
    if records.contains(&true) {
        let [of_heap, of_nanos] = parts.map(|part| part / 10_000);
        eprintln!(
            "costliest: {length} bytes take {heap} heap bytes ({of_heap} % of the bound) and {nanos} ns ({of_nanos} %)"
        );
    }
    assert!(
        parts.iter().all(|part| *part <= 1_000_000),
        "{length} bytes take {heap} heap bytes and {nanos} ns, and the bound is {bound:?}"
    );
    result
}
