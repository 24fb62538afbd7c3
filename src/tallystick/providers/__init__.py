"""Those who collect money for us, behind one protocol. Adapters translate; they do not decide."""
