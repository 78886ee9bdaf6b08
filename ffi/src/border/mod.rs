//! The border between C and Rust: inputs are checked, outputs are written once, and no panic passes.

pub mod buffer;
pub(crate) mod call;
pub mod callback;
pub(crate) mod input;
pub(crate) mod output;

pub(crate) use call::{Outcome, Refusal, enter, value};
pub(crate) use input::{array, array_or_none, bytes, end, exclusive, foreign, shared, text};
#[cfg(feature = "issuer")]
pub(crate) use input::{overlap, passphrase};
pub(crate) use output::{Lent, Out};

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::status::LICENTIA_INTERNAL;

    #[test]
    fn a_panic_stops_at_the_border() {
        assert_eq!(enter(|| panic!("on purpose")), LICENTIA_INTERNAL);
        assert_eq!(value(7, || panic!("on purpose")), 7);
        let mut place = 5_u32;
        let status = enter(|| {
            // SAFETY: the place is a variable.
            let _out = unsafe { Out::new(&raw mut place, 0) }?;
            panic!("on purpose")
        });
        assert_eq!((status, place), (LICENTIA_INTERNAL, 0));
    }

    #[test]
    fn a_panic_whose_drop_panics_stops_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("on purpose, again");
            }
        }
        assert_eq!(enter(|| std::panic::panic_any(Bomb)), LICENTIA_INTERNAL);
    }

    #[test]
    fn lengths_and_pointers_are_checked() {
        let some = b"text".as_ptr();
        // SAFETY: what is not refused is within the text.
        unsafe {
            assert!(bytes(ptr::null(), 0).is_ok_and(<[u8]>::is_empty));
            assert!(bytes(ptr::null(), 1).is_err());
            assert!(bytes(some, isize::MAX.unsigned_abs() + 1).is_err());
            assert!(bytes(some, 4).is_ok_and(|bytes| bytes == b"text"));
            assert!(text(b"\xff".as_ptr().cast(), 1).is_err());
            assert!(foreign(b"\xff".as_ptr().cast(), 1).is_ok_and(|text| text == "\u{fffd}"));
            assert!(shared::<u64>(ptr::without_provenance(9)).is_err());
            assert!(Out::<u64>::new(ptr::without_provenance_mut(9), 0).is_err());
        }
    }

    #[test]
    fn every_output_is_emptied_before_one_is_refused() {
        let mut places = [7_u64; 3];
        let [first, _, last] = places.each_mut().map(ptr::from_mut);
        // SAFETY: the places are of the array.
        assert!(unsafe { Out::all([first, ptr::null_mut(), last], 0) }.is_err());
        assert_eq!(places, [0, 7, 0]);
    }

    #[test]
    fn of_a_struct_of_another_size_no_more_is_emptied_than_there_is() {
        for (size, expected) in [(8, [0, 7]), (0, [7, 7]), (usize::MAX, [0, 0])] {
            let mut place = [7_u64; 2];
            // SAFETY: no more is written than the place has.
            assert!(unsafe { Out::sized(&raw mut place, size) }.is_err());
            assert_eq!(place, expected, "{size}");
        }
        let mut place = [7_u64; 2];
        // SAFETY: this is its size.
        assert!(unsafe { Out::sized(&raw mut place, 16) }.is_ok());
        assert_eq!(place, [0, 0]);
    }

    #[cfg(feature = "issuer")]
    #[test]
    fn a_passphrase_is_there_whole_or_not_at_all() {
        let some = b"horse".as_ptr().cast();
        // SAFETY: what is not refused is within the text.
        unsafe {
            assert!(passphrase(ptr::null(), 0).is_ok_and(|phrase| phrase.is_none()));
            assert!(passphrase(some, 5).is_ok_and(|phrase| phrase == Some("horse")));
            assert!(passphrase(ptr::null(), 5).is_err());
            assert!(passphrase(some, 0).is_err());
        }
    }

    #[cfg(feature = "issuer")]
    #[test]
    fn overlaps_are_found() {
        let at = ptr::without_provenance::<u8>;
        assert!(overlap(at(100), 10, at(100), 10) && overlap(at(100), 10, at(109), 64));
        assert!(overlap(at(100), 10, at(50), 51) && overlap(at(100), 10, at(104), 1));
        assert!(!overlap(at(100), 10, at(110), 64) && !overlap(at(100), 10, at(36), 64));
        assert!(!overlap(at(100), 0, at(100), 64));
        assert!(overlap(at(usize::MAX - 1), usize::MAX, at(usize::MAX - 1), 64));
    }
}
