//! What is found by a key that others may choose: as much of a `HashMap` as is needed, in far less code.

#![allow(clippy::indexing_slicing, reason = "a place is always one of the table's")]

/// Entries in buckets, of which there are at least as many.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    buckets: Vec<Vec<(K, V)>>,
    len: usize,
    /// Nobody can choose keys that fall into one bucket without it.
    secret: u64,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { buckets: vec![Vec::new()], len: 0, secret: getrandom::u64().unwrap_or_default() }
    }
}

/// The place of a key among so many buckets, which are a power of two.
#[inline(never)]
fn place(key: &[u8], secret: u64, buckets: usize) -> usize {
    let mut hash = secret;
    for byte in key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    hash as usize & buckets.wrapping_sub(1)
}

/// The entry of a key.
pub(crate) struct Entry<'t, V>(&'t mut V);

impl<'t, V> Entry<'t, V> {
    pub(crate) fn or_default(self) -> &'t mut V {
        self.0
    }
}

impl<K: AsRef<[u8]>, V> Table<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn bucket(&self, key: &[u8]) -> usize {
        place(key, self.secret, self.buckets.len())
    }

    pub(crate) fn get(&self, key: &(impl AsRef<[u8]> + ?Sized)) -> Option<&V> {
        let key = key.as_ref();
        let mut entries = self.buckets[self.bucket(key)].iter();
        entries.find(|(other, _)| other.as_ref() == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &(impl AsRef<[u8]> + ?Sized)) -> Option<&mut V> {
        let key = key.as_ref();
        let bucket = self.bucket(key);
        let mut entries = self.buckets[bucket].iter_mut();
        entries.find(|(other, _)| other.as_ref() == key).map(|(_, value)| value)
    }

    pub(crate) fn entry(&mut self, key: K) -> Entry<'_, V>
    where
        V: Default,
    {
        if self.len >= self.buckets.len() {
            self.grow();
        }
        let bucket = self.bucket(key.as_ref());
        let entries = &mut self.buckets[bucket];
        let known = entries.iter().position(|(other, _)| other.as_ref() == key.as_ref());
        let at = known.unwrap_or_else(|| {
            self.len += 1;
            entries.push((key, V::default()));
            entries.len() - 1
        });
        Entry(&mut entries[at].1)
    }

    pub(crate) fn insert(&mut self, key: K, value: V)
    where
        V: Default,
    {
        *self.entry(key).or_default() = value;
    }

    /// Makes twice as many buckets.
    fn grow(&mut self) {
        let more = self.buckets.len() * 2;
        let entries = std::mem::take(&mut self.buckets);
        self.buckets.resize_with(more, Vec::new);
        for entry in entries.into_iter().flatten() {
            let bucket = self.bucket(entry.0.as_ref());
            self.buckets[bucket].push(entry);
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.len = 0;
        for entries in &mut self.buckets {
            entries.retain_mut(|(key, value)| keep(key, value));
            self.len += entries.len();
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.buckets.iter().flatten().map(|(_, value)| value)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.buckets.iter_mut().flatten().map(|(key, value)| (&*key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let mut table = Table::<String, u64>::default();
        assert!(table.is_empty() && table.get("0").is_none());
        for number in 0..1000_u64 {
            table.insert(number.to_string(), number);
            *table.entry(number.to_string()).or_default() += 1;
        }
        assert_eq!((table.len(), table.get("999"), table.get("1000")), (1000, Some(&1000), None));
        table.retain(|_, value| *value % 2 == 0);
        assert_eq!((table.len(), table.get("999"), table.get("998")), (500, Some(&1000), None));
        table.iter_mut().for_each(|(_, value)| *value += 1);
        table.get_mut("999").into_iter().for_each(|value| *value = 7);
        assert_eq!(table.values().filter(|value| **value % 2 == 1).count(), 500);
        assert_eq!(table.get("999"), Some(&7));
    }

    #[test]
    fn keys_that_differ_little_fall_into_different_buckets() {
        let fullest = |secret| {
            let mut counts = [0; 256];
            for key in 0..256_u64 {
                counts[place(&key.to_be_bytes(), secret, 256)] += 1;
            }
            counts.into_iter().max()
        };
        assert!([0, 1, u64::MAX].into_iter().all(|secret| fullest(secret) < Some(10)));
    }
}
