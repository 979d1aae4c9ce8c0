"""From rules as stated to limits in whole steps: one module a family of rules."""
