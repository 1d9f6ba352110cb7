/* SPDX-License-Identifier: MIT */
/*
 * bridge.h - `run --bridge`: Python programs of the command record through shmetrics.bridge
 */
#ifndef SHMETRICS_TOOL_BRIDGE_H
#define SHMETRICS_TOOL_BRIDGE_H

/*
 * Sets up our environment, which the command inherits. Where it cannot, a line says so and the
 * command runs without.
 */
void bridge_prepare(void);

#endif
