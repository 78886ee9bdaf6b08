//! A raw writer of CBOR (RFC 8949), which can write what no good encoder would.

/// An encoded data item.
pub(crate) type Item = Vec<u8>;

/// The major types (RFC 8949, section 3.1).
#[derive(Clone, Copy)]
pub(crate) enum Major {
    Unsigned = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
    Tag = 6,
}

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
/// The end of an item of indefinite length.
pub(crate) const BREAK: u8 = 0xff;

/// A head in its shortest form.
pub(crate) fn head(major: Major, argument: u64) -> Item {
    let width = match argument {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    wide_head(major, argument, width)
}

/// A head whose argument takes `width` bytes: 0 (inside the first byte), 1, 2, 4 or 8.
pub(crate) fn wide_head(major: Major, argument: u64, width: usize) -> Item {
    let bytes = argument.to_be_bytes();
    let info = match width {
        0 => bytes[7],
        1 => 24,
        2 => 25,
        4 => 26,
        8 => 27,
        _ => panic!("no head has {width} bytes"),
    };
    let mut item = vec![(major as u8) << 5 | info];
    item.extend(&bytes[8 - width..]);
    item
}

/// The first byte of an item of indefinite length.
pub(crate) fn indefinite(major: Major) -> Item {
    vec![(major as u8) << 5 | 31]
}

pub(crate) fn uint(value: u64) -> Item {
    head(Major::Unsigned, value)
}

pub(crate) fn int(value: i64) -> Item {
    match u64::try_from(value) {
        Ok(value) => uint(value),
        // -1 - n is encoded as n, and that is the complement.
        Err(_) => head(Major::Negative, (!value).cast_unsigned()),
    }
}

pub(crate) fn bytes(value: &[u8]) -> Item {
    [&head(Major::Bytes, value.len() as u64), value].concat()
}

pub(crate) fn text(value: &str) -> Item {
    raw_text(value.as_bytes())
}

/// A text string whose content need not be UTF-8.
pub(crate) fn raw_text(value: &[u8]) -> Item {
    [&head(Major::Text, value.len() as u64), value].concat()
}

pub(crate) fn array(items: &[Item]) -> Item {
    [head(Major::Array, items.len() as u64), items.concat()].concat()
}

/// A map whose entries stand in the order in which they are given.
pub(crate) fn map_as_given(entries: &[(Item, Item)]) -> Item {
    let content: Vec<u8> = entries.iter().flat_map(|(key, value)| [key.as_slice(), value].concat()).collect();
    [head(Major::Map, entries.len() as u64), content].concat()
}

/// A map in canonical order: keys ascend by their encoded bytes.
pub(crate) fn map(entries: &[(Item, Item)]) -> Item {
    let mut sorted = entries.to_vec();
    sorted.sort();
    map_as_given(&sorted)
}

pub(crate) fn tag(number: u64, item: &[u8]) -> Item {
    [&head(Major::Tag, number), item].concat()
}

pub(crate) fn simple(byte: u8) -> Item {
    vec![byte]
}

/// `depth` arrays, one inside the other, around a 0.
pub(crate) fn nested_arrays(depth: usize) -> Item {
    let mut item = vec![0x81; depth];
    item.push(0);
    item
}

/// `depth` maps, one inside the other, around a 0.
pub(crate) fn nested_maps(depth: usize) -> Item {
    let mut item = [0xa1, 0x00].repeat(depth);
    item.push(0);
    item
}
