"""Issue eMRTDs: data preparation, signing, card writing, the issuing PKI."""
