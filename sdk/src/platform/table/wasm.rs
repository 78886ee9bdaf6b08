//! As much of a `HashMap` as is needed, in far less code.

#![allow(clippy::cast_possible_truncation, reason = "every part of a hash is as good as the others")]
#![allow(clippy::indexing_slicing, reason = "every position is of this table")]

use licentia_core::{Salt, inner::bloom};

/// Entries in the order of insertion.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    entries: Vec<(K, V)>,
    index: Index,
}

/// Finds an entry's position by the hash of its key.
#[derive(Debug)]
struct Index {
    /// Keys the hash, so that nobody can choose colliding keys.
    secret: Salt,
    /// For each bucket (their number is a power of two): 1 + the position of its latest entry, or 0.
    latest: Vec<usize>,
    /// For each entry: its hash, and 1 + the position of the entry before it in its bucket, or 0.
    before: Vec<(usize, usize)>,
}

impl Index {
    fn new() -> Self {
        let mut secret = [0; 16];
        // Without randomness the table still works; only collisions can be chosen.
        let _ = getrandom::fill(&mut secret);
        Self { secret: secret.into(), latest: vec![0], before: Vec::new() }
    }

    fn hash(&self, key: &[u8]) -> usize {
        bloom::hash(&self.secret, key) as usize
    }

    fn bucket(&self, hash: usize) -> usize {
        hash & (self.latest.len() - 1)
    }

    /// 1 + the position of the latest entry in the hash's bucket, or 0.
    fn latest(&self, hash: usize) -> usize {
        self.latest[self.bucket(hash)]
    }

    /// Adds an entry.
    #[inline(never)]
    fn push(&mut self, hash: usize) {
        if self.before.len() >= self.latest.len() {
            let buckets = self.latest.len() * 2;
            self.latest = vec![0; buckets];
            for (hash, _) in std::mem::take(&mut self.before) {
                self.link(hash);
            }
        }
        self.link(hash);
    }

    fn link(&mut self, hash: usize) {
        let bucket = self.bucket(hash);
        self.before.push((hash, self.latest[bucket]));
        self.latest[bucket] = self.before.len();
    }
}

/// The entry of a key.
pub(crate) struct Entry<'t, V>(&'t mut V);

impl<'t, V> Entry<'t, V> {
    pub(crate) fn or_default(self) -> &'t mut V {
        self.0
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: Index::new() }
    }
}

impl<K: AsRef<[u8]>, V> Table<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline(never)]
    fn find(&self, key: &[u8]) -> Option<usize> {
        let mut next = self.index.latest(self.index.hash(key));
        while let Some(at) = next.checked_sub(1) {
            if self.entries[at].0.as_ref() == key {
                return Some(at);
            }
            next = self.index.before[at].1;
        }
        None
    }

    pub(crate) fn get(&self, key: &(impl AsRef<[u8]> + ?Sized)) -> Option<&V> {
        self.find(key.as_ref()).map(|at| &self.entries[at].1)
    }

    pub(crate) fn get_mut(&mut self, key: &(impl AsRef<[u8]> + ?Sized)) -> Option<&mut V> {
        self.find(key.as_ref()).map(|at| &mut self.entries[at].1)
    }

    pub(crate) fn entry(&mut self, key: K) -> Entry<'_, V>
    where
        V: Default,
    {
        let at = self.find(key.as_ref()).unwrap_or_else(|| {
            self.index.push(self.index.hash(key.as_ref()));
            self.entries.push((key, V::default()));
            self.entries.len() - 1
        });
        Entry(&mut self.entries[at].1)
    }

    pub(crate) fn insert(&mut self, key: K, value: V)
    where
        V: Default,
    {
        *self.entry(key).or_default() = value;
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
        self.index = Index::new();
        for (key, _) in &self.entries {
            self.index.push(self.index.hash(key.as_ref()));
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }
}

impl<'t, K, V> IntoIterator for &'t mut Table<K, V> {
    type Item = &'t mut (K, V);
    type IntoIter = std::slice::IterMut<'t, (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter_mut()
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
        for (_, value) in &mut table {
            *value += 1;
        }
        table.get_mut("999").into_iter().for_each(|value| *value = 7);
        assert_eq!(table.values().filter(|value| **value % 2 == 1).count(), 500);
        assert_eq!(table.get("999"), Some(&7));
    }
}
