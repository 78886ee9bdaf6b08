//! Writes deterministic CBOR into a buffer. Output that does not fit is cut off, which every reader refuses.

/// A cursor over the space that is written to.
pub(crate) struct Writer<B> {
    space: B,
    length: usize,
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> Writer<B> {
    pub(crate) fn new(space: B) -> Self {
        Self { space, length: 0 }
    }

    /// What was written.
    pub(crate) fn written(&self) -> &[u8] {
        self.space.as_ref().get(..self.length).unwrap_or_default()
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.length.saturating_add(bytes.len());
        if let Some(space) = self.space.as_mut().get_mut(self.length..end) {
            space.copy_from_slice(bytes);
            self.length = end;
        }
        self
    }

    /// A head with the shortest argument (RFC 8949, section 3).
    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let initial = |info: u8| [(major << 5) | info];
        let [.., e, f, g, h] = argument.to_be_bytes();
        match argument {
            0..=23 => self.raw(&initial(h)),
            24..=0xff => self.raw(&initial(24)).raw(&[h]),
            0x100..=0xffff => self.raw(&initial(25)).raw(&[g, h]),
            0x1_0000..=0xffff_ffff => self.raw(&initial(26)).raw(&[e, f, g, h]),
            _ => self.raw(&initial(27)).raw(&argument.to_be_bytes()),
        }
    }

    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        self.head(0, value)
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.head(0, value),
            Err(_) => self.head(1, (!value).unsigned_abs()),
        }
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(2, value.len() as u64).raw(value)
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.head(3, value.len() as u64).raw(value.as_bytes())
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn array(&mut self, items: u64) -> &mut Self {
        self.head(4, items)
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn null(&mut self) -> &mut Self {
        self.head(7, 22)
    }

    pub(crate) fn map(&mut self, entries: u64) -> &mut Self {
        self.head(5, entries)
    }

    /// A COSE_Sign1 with its tag (RFC 9052, section 4.2).
    pub(crate) fn sign1(&mut self, header: &[u8], payload: &[u8], signature: &[u8; 64]) -> &mut Self {
        self.head(6, 18).head(4, 4).bytes(header).map(0).bytes(payload).bytes(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Reader;

    #[test]
    fn what_is_written_is_read_back() {
        for value in [0, 1, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let mut writer = Writer::new([0; 9]);
            writer.uint(value);
            assert_eq!(Reader::new(writer.written()).uint(), Ok(value));
        }
        for value in [0, -1, -24, -25, -257, -65_540, 1 << 40] {
            let mut writer = Writer::new([0; 9]);
            writer.int(value);
            assert_eq!(Reader::new(writer.written()).int(), Ok(value));
        }
        let mut writer = Writer::new([0; 4]);
        writer.text("abcdef");
        assert!(Reader::new(writer.written()).text().is_err(), "cut");
    }
}
