"""Handing readings out as CSV, XLSX or Parquet: streamed, bounded, with nothing left behind."""
