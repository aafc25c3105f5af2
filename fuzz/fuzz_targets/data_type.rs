//! What is read as a type, and written, is read as the same type.

#![no_main]

use helios_core::warehouse::types::DataType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(data_type) = text.parse::<DataType>() {
        let written = data_type.to_string();
        assert_eq!(written.parse::<DataType>().ok(), Some(data_type), "{written}");
    }
});
