//! The camera of the guest as the kernel sees it.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::Path;
use v4l::Device;
use v4l::control::{Control, Value};
use v4l::video::Capture;

/// How many descriptors of cameras this process holds. The light of a camera goes out with the last.
///
/// # Errors
/// There is no `/proc`.
pub fn open_here() -> Result<usize> {
    let links = std::fs::read_dir("/proc/self/fd").context("no /proc")?.flatten();
    let targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
    Ok(targets.filter(|target| is_node(target)).count())
}

fn is_node(target: &Path) -> bool {
    let name = target.file_name().and_then(OsStr::to_str);
    target.starts_with("/dev") && name.is_some_and(|name| name.starts_with("video"))
}

/// The size that it is set to: width and height.
///
/// # Errors
/// It is not there.
pub fn size() -> Result<(u32, u32)> {
    let format = Device::new(0)?.format().context("while asking for its format")?;
    Ok((format.width, format.height))
}

/// Sets one of the driver's controls, by which it can be made to fail.
///
/// # Errors
/// There is no such control.
pub fn set(name: &str, value: Value) -> Result<()> {
    let device = Device::new(0)?;
    let controls = device.query_controls()?;
    let control = controls.iter().find(|it| it.name == name);
    let id = control.with_context(|| format!("no control {name}"))?.id;
    device.set_control(Control { id, value }).with_context(|| format!("while setting {name}"))
}

/// Pulls it out. The driver plugs it in again as soon as nobody has it open.
///
/// # Errors
/// The driver is another one.
pub fn unplug() -> Result<()> {
    set("Disconnect", Value::None)
}

/// Lets this share of its pictures get lost.
///
/// # Errors
/// The driver is another one.
pub fn drop_pictures(percent: i64) -> Result<()> {
    set("Percentage of Dropped Buffers", Value::Integer(percent))
}
