//! The modules of a crate as its source has them, and which file uses which.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::graph::Graph;

/// A path as it is written: its segments.
type Words = Vec<String>;

/// A module, in a file of its own or within another's.
struct Module {
    parent: Option<usize>,
    file: usize,
    /// Modules by name; a name has several if a condition chooses between files.
    children: BTreeMap<String, Vec<usize>>,
    /// Names that are defined here.
    items: BTreeSet<String>,
    /// Names that `use` brings, with the paths that they stand for.
    names: BTreeMap<String, Vec<Words>>,
    /// Modules all of whose names `use` brings.
    globs: Vec<Words>,
    /// Paths that the code refers to. A re-export is a name for others, and no reference.
    references: BTreeSet<Words>,
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// Something that this file defines.
    Item(usize),
}

/// The modules of a crate, without its tests.
pub(crate) struct Source {
    files: Vec<PathBuf>,
    modules: Vec<Module>,
}

impl Source {
    /// Reads the crate whose root is this file.
    pub(crate) fn read(root: &Path) -> Self {
        let mut source = Self { files: Vec::new(), modules: Vec::new() };
        source.add_file(None, root);
        source
    }

    fn add_module(&mut self, parent: Option<usize>, file: usize) -> usize {
        self.modules.push(Module {
            parent,
            file,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
            references: BTreeSet::new(),
        });
        self.modules.len() - 1
    }

    fn add_file(&mut self, parent: Option<usize>, path: &Path) -> usize {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.files.push(path.to_owned());
        let module = self.add_module(parent, self.files.len() - 1);
        self.add_items(module, &parsed.items, &folder_of_children(path));
        module
    }

    fn add_items(&mut self, module: usize, items: &[Item], folder: &Path) {
        for item in items {
            if let Item::Mod(declared) = item {
                if !is_for_tests(&declared.attrs) {
                    self.add_declared(module, declared, folder);
                }
            } else {
                let module = &mut self.modules[module];
                module.items.extend(name(item));
                Reader(module).visit_item(item);
            }
        }
    }

    fn add_declared(&mut self, parent: usize, declared: &ItemMod, folder: &Path) {
        let name = declared.ident.to_string();
        let child = if let Some((_, items)) = &declared.content {
            let child = self.add_module(Some(parent), self.modules[parent].file);
            self.add_items(child, items, &folder.join(&name));
            child
        } else {
            let beside = self.files[self.modules[parent].file].parent().unwrap().to_owned();
            let named = path_attribute(&declared.attrs).map(|path| beside.join(path));
            let usual = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
            let path = named.into_iter().chain(usual).find(|path| path.exists());
            self.add_file(Some(parent), &path.unwrap_or_else(|| panic!("no file for the module {name}")))
        };
        self.modules[parent].children.entry(name).or_default().push(child);
    }

    /// What a name means within a module. The names that are being looked up are `open`: a re-export may lead back.
    fn look_up(&self, module: usize, name: &str, open: &mut HashSet<(usize, String)>) -> Vec<Target> {
        let asked = (module, name.to_owned());
        if !open.insert(asked.clone()) {
            return Vec::new();
        }
        let here = &self.modules[module];
        let found = if let Some(children) = here.children.get(name) {
            children.iter().copied().map(Target::Module).collect()
        } else if here.items.contains(name) {
            vec![Target::Item(here.file)]
        } else if let Some(paths) = here.names.get(name) {
            paths.iter().flat_map(|path| self.resolve(module, path, open)).collect()
        } else {
            let targets: Vec<_> =
                here.globs.iter().flat_map(|glob| self.resolve(module, glob, open)).collect();
            let look_up = |target| match target {
                Target::Module(other) => self.look_up(other, name, open),
                Target::Item(_) => Vec::new(),
            };
            targets.into_iter().flat_map(look_up).collect()
        };
        open.remove(&asked);
        found
    }

    /// What a path means within a module; nothing if it leads to another crate or is a local name.
    fn resolve(&self, module: usize, path: &[String], open: &mut HashSet<(usize, String)>) -> Vec<Target> {
        let (mut at, mut rest) = (module, path);
        let mut found = loop {
            match rest.split_first() {
                Some((word, after)) if word == "crate" => (at, rest) = (0, after),
                Some((word, after)) if word == "self" => rest = after,
                Some((word, after)) if word == "super" => {
                    (at, rest) = (self.modules[at].parent.unwrap_or(0), after);
                }
                Some((word, after)) if rest.len() == path.len() => {
                    rest = after;
                    break self.look_up(at, word, open);
                }
                _ => break vec![Target::Module(at)],
            }
        };
        for word in rest {
            let step = |target| match target {
                Target::Item(_) => vec![target],
                Target::Module(module) => {
                    let found = self.look_up(module, word, open);
                    // A name that no item has is made by a macro of the module.
                    if found.is_empty() { vec![Target::Item(self.modules[module].file)] } else { found }
                }
            };
            found = found.into_iter().flat_map(step).collect();
        }
        found
    }

    /// Which file refers to something that another file defines.
    pub(crate) fn uses(&self, base: &Path) -> Graph {
        let shown = |file: usize| {
            let path = self.files[file].strip_prefix(base).unwrap_or(&self.files[file]);
            path.to_string_lossy().replace('\\', "/")
        };
        let mut graph = Graph::default();
        for (at, module) in self.modules.iter().enumerate() {
            graph.add(&shown(module.file));
            for path in &module.references {
                for target in self.resolve(at, path, &mut HashSet::new()) {
                    if let Target::Item(file) = target
                        && file != module.file
                    {
                        graph.connect(&shown(module.file), &shown(file), &path.join("::"));
                    }
                }
            }
        }
        graph
    }
}

/// Collects names and references of one module, within functions too.
struct Reader<'a>(&'a mut Module);

impl Reader<'_> {
    fn add_use(&mut self, mut path: Words, tree: &UseTree, is_export: bool) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.add_use(path, &part.tree, is_export);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use(path.clone(), tree, is_export));
            }
            UseTree::Glob(_) => self.0.globs.push(path),
            UseTree::Name(name) => self.add_name(path, &name.ident.to_string(), None, is_export),
            UseTree::Rename(name) => {
                self.add_name(path, &name.ident.to_string(), Some(name.rename.to_string()), is_export);
            }
        }
    }

    fn add_name(&mut self, mut path: Words, name: &str, rename: Option<String>, is_export: bool) {
        if name != "self" {
            path.push(name.to_owned());
        }
        let name = rename.or_else(|| path.last().cloned()).unwrap_or_default();
        if !is_export {
            self.0.references.insert(path.clone());
        }
        self.0.names.entry(name).or_default().push(path);
    }

    /// Paths of two words or more in what a macro is given, which is no syntax yet.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Words::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_reference(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.add_reference(std::mem::take(&mut path));
                    self.add_tokens(group.stream());
                }
                _ => {
                    self.add_reference(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.add_reference(path);
    }

    fn add_reference(&mut self, path: Words) {
        if path.len() > 1 {
            self.0.references.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.add_use(Words::new(), &item.tree, is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.references.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Where the files of a file's modules are.
fn folder_of_children(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    if ["lib", "main", "mod"].iter().any(|name| stem == *name) {
        folder.to_owned()
    } else {
        folder.join(stem)
    }
}

/// Whether an item exists only in tests.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string().replace(' ', "");
            condition == "test" || condition.starts_with("all(test")
        }
        _ => false,
    })
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
