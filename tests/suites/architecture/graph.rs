//! A directed graph of names.

use std::collections::{BTreeMap, BTreeSet};

/// Nodes, the nodes that each is connected to, and why.
#[derive(Default)]
pub(crate) struct Graph(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Graph {
    /// Adds a node.
    pub(crate) fn add(&mut self, node: &str) {
        self.0.entry(node.to_owned()).or_default();
    }

    /// Adds an edge, and a reason for it.
    pub(crate) fn connect(&mut self, from: &str, to: &str, reason: &str) {
        self.add(to);
        let edges = self.0.entry(from.to_owned()).or_default();
        edges.entry(to.to_owned()).or_default().insert(reason.to_owned());
    }

    /// Every edge, with its reasons.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, &str, &BTreeSet<String>)> {
        let edges = |(from, to): (_, _)| (from, to);
        self.0.iter().map(edges).flat_map(|(from, edges)| {
            edges.iter().map(move |(to, reasons)| (from.as_str(), to.as_str(), reasons))
        })
    }

    /// The nodes that can be reached from a node, over one edge or more.
    pub(crate) fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(node) = open.pop() {
            for to in self.0.get(node).into_iter().flat_map(BTreeMap::keys) {
                if found.insert(to.as_str()) {
                    open.push(to);
                }
            }
        }
        found
    }

    /// Groups of nodes that all reach each other.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            self.0.keys().map(|node| (node.as_str(), self.reachable(node))).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (node, reached) in &reach {
            let circle: Vec<&str> =
                reached.iter().copied().filter(|other| reach[other].contains(node)).collect();
            if !circle.is_empty() && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    /// A circle's edges, for people.
    pub(crate) fn describe(&self, circle: &[&str]) -> String {
        let inside = self.edges().filter(|(from, to, _)| circle.contains(from) && circle.contains(to));
        inside.map(|(from, to, reasons)| format!("  {from} uses {to}: {reasons:?}\n")).collect()
    }
}
