// SPDX-License-Identifier: MIT
// Generic code, closures and trait objects, whose names Rust mangles in two ways.
use std::collections::HashMap;
use std::fmt::Debug;

trait Shape {
    fn area(&self) -> f64;
}

struct Square(f64);

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

mod inner {
    pub fn deep<T: std::fmt::Debug>(value: T) -> String {
        format!("{:?}", value)
    }
}

fn longest<T: Debug, F: Fn(&T) -> usize>(values: &mut Vec<T>, length: F) -> String {
    values.sort_by(|a, b| length(a).cmp(&length(b)));
    inner::deep(values.last())
}

fn main() {
    let mut shapes: HashMap<String, Vec<Box<dyn Shape>>> = HashMap::new();
    let mut names: Vec<String> = std::env::args().collect();

    for name in &names {
        shapes.entry(name.clone()).or_default().push(Box::new(Square(2.0)));
    }
    let sum: f64 = shapes.values().flat_map(|list| list.iter().map(|shape| shape.area())).sum();
    println!("{} {}", sum, longest(&mut names, |name| name.len()));
}
