"""The alphabet: money, time, ids, decimals and errors. Imports nothing but the standard library."""
