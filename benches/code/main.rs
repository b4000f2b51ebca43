//! How long single functions take: `just bench-code`. What the whole service does is measured by `just bench`.

mod cursors;
mod given;
mod json;
mod life;
mod rules;

fn main() {
    divan::main();
}
