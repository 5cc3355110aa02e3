"""The gateway (网关): polls devices at a site, buffers durably, forwards in lanes."""
