"""What differs between versions of the packages we stand on, each in one module.

Everything else imports from here what it cannot import from the package itself on every version.
"""
