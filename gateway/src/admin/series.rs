//! Decisions per second, over the last minutes.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Seconds that are kept.
const SECONDS: usize = 600;

/// A second, and how many decisions allowed and denied in it.
pub(super) type Point = [u64; 3];

/// Decisions per second, from totals that only grow.
#[derive(Debug, Default)]
pub(super) struct Series(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Seconds without a decision are left out.
    points: VecDeque<Point>,
    last: [u64; 2],
}

impl Series {
    /// Counts what came since the last call for a second.
    pub(super) fn update(&self, second: u64, totals: [u64; 2]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [allowed, denied] = [0, 1].map(|at: usize| {
            let of = |totals: &[u64; 2]| totals.get(at).copied().unwrap_or_default();
            of(&totals).saturating_sub(of(&state.last))
        });
        state.last = totals;
        if allowed + denied == 0 {
            return;
        }
        match state.points.back_mut() {
            // A clock that goes back adds to the newest second.
            Some(newest) if newest[0] >= second => {
                newest[1] += allowed;
                newest[2] += denied;
            }
            _ => {
                if state.points.len() == SECONDS {
                    state.points.pop_front();
                }
                state.points.push_back([second, allowed, denied]);
            }
        }
    }

    /// The points of a second and later ones.
    pub(super) fn since(&self, second: u64) -> Vec<Point> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.points.iter().filter(|point| point[0] >= second).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_is_in_one_second() {
        let series = Series::default();
        series.update(10, [3, 0]);
        series.update(10, [5, 1]);
        series.update(11, [5, 1]);
        series.update(12, [6, 4]);
        series.update(9, [7, 4]);
        assert_eq!(series.since(0), [[10, 5, 1], [12, 2, 3]]);
        assert_eq!(series.since(11), [[12, 2, 3]]);
        (0..2000).for_each(|second| series.update(100 + second, [8 + second, 4]));
        assert_eq!(series.since(0).len(), SECONDS);
    }
}
