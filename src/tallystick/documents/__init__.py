"""Invoices and credit notes as files: PDF by Typst, HTML for any browser and for print, CSV for spreadsheets."""
