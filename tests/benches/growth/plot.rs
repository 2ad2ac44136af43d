//! All series in one picture: both axes by powers of ten, so that what is flat looks flat.

use std::path::Path;

use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoLogRange, LineSeries, Palette, Palette99, PathElement, SVGBackend,
    SeriesLabelPosition, WHITE,
};

use crate::series::Series;

/// In pixels.
const SIZE: (u32, u32) = (960, 600);

/// Draws them into a file.
pub(crate) fn write(all: &[Series], file: &Path) {
    draw(all, file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn draw(all: &[Series], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let points = || all.iter().flat_map(|series| series.points.iter());
    let widest = points().map(|point| point.0).max().unwrap_or(1);
    let least = points().map(|point| point.1).fold(f64::MAX, f64::min);
    let most = points().map(|point| point.1).fold(1.0, f64::max);
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("nanoseconds for one, by how many there are", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        // The upper third is the legend's.
        .build_cartesian_2d((1..widest).log_scale(), (least / 2.0..most * 100.0).log_scale())?;
    chart.configure_mesh().light_line_style(WHITE).draw()?;
    for (at, series) in all.iter().enumerate() {
        let style = Palette99::pick(at).stroke_width(2);
        chart
            .draw_series(LineSeries::new(series.points.iter().copied(), style).point_size(3))?
            .label(series.what)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}
