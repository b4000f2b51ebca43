//! `engagement-desk serve`
