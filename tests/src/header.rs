//! Plugin files whose header says something else than what they are.

use calog_plugin_api::header::MAGIC;

/// A plugin's bytes with others at this offset of its header.
pub fn with_header(plugin: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let header = plugin.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a header");
    let mut changed = plugin.to_vec();
    changed[header + offset..][..bytes.len()].copy_from_slice(bytes);
    changed
}
