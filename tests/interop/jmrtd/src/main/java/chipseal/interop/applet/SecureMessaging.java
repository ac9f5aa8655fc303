package chipseal.interop.applet;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.DESKey;
import javacard.security.KeyBuilder;
import javacard.security.MessageDigest;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** Secure messaging with 3DES (Doc 9303-11, 9.8.6), and the two operations that BAC uses too. */
final class SecureMessaging {
  private static final short SW_OBJECTS_INCORRECT = (short) 0x6988;
  private static final byte OPEN = 0;
  private static final byte CHANGES = 1;
  private static final byte USED = 2;

  private final Cipher cipher = Cipher.getInstance(Cipher.ALG_DES_CBC_NOPAD, false);
  private final Signature signature =
      Signature.getInstance(Signature.ALG_DES_MAC8_ISO9797_1_M2_ALG3, false);
  private final DESKey sessionEncryption = PassportApplet.desKey(KeyBuilder.TYPE_DES);
  private final DESKey sessionMac = PassportApplet.desKey(KeyBuilder.TYPE_DES);
  private final DESKey nextEncryption = PassportApplet.desKey(KeyBuilder.TYPE_DES);
  private final DESKey nextMac = PassportApplet.desKey(KeyBuilder.TYPE_DES);
  private final byte[] flags = JCSystem.makeTransientByteArray((short) 3, JCSystem.CLEAR_ON_RESET);
  private final byte[] counter =
      JCSystem.makeTransientByteArray((short) 8, JCSystem.CLEAR_ON_RESET);
  private final byte[] block =
      JCSystem.makeTransientByteArray((short) 320, JCSystem.CLEAR_ON_RESET);
  private DESKey encryption;
  private DESKey macKey;
  private short expected;

  boolean isOpen() {
    return flags[OPEN] != 0;
  }

  /** Whether a session was opened since the card was reset. */
  boolean wasOpen() {
    return flags[USED] != 0;
  }

  void close() {
    flags[OPEN] = 0;
  }

  short expected() {
    return expected;
  }

  // --- keys -----------------------------------------------------------------------------------

  /** KEnc and KMac of a seed (9.7.1): SHA-1 over the seed and 00000001 or 00000002, 16 octets. */
  static void deriveKeys(
      MessageDigest sha1, byte[] seed, short offset, short length, DESKey encryption, DESKey mac) {
    byte[] digest = new byte[20];
    for (byte number = 1; number <= 2; number++) {
      sha1.reset();
      sha1.update(seed, offset, length);
      sha1.doFinal(new byte[] {0, 0, 0, number}, (short) 0, (short) 4, digest, (short) 0);
      (number == 1 ? encryption : mac).setKey(digest, (short) 0);
    }
  }

  void useKeys(DESKey encryptionKey, DESKey keyOfMac) {
    encryption = encryptionKey;
    macKey = keyOfMac;
  }

  void open(
      MessageDigest sha1, byte[] seed, short offset, short length, byte[] ssc, short sscOffset) {
    deriveKeys(sha1, seed, offset, length, sessionEncryption, sessionMac);
    Util.arrayCopyNonAtomic(ssc, sscOffset, counter, (short) 0, (short) 8);
    flags[OPEN] = flags[USED] = 1;
    flags[CHANGES] = 0;
  }

  void openAfterResponse(MessageDigest sha1, byte[] secret, short offset, short length) {
    deriveKeys(sha1, secret, offset, length, nextEncryption, nextMac);
    flags[CHANGES] = 1;
  }

  // --- primitives -----------------------------------------------------------------------------

  void encrypt(byte[] from, short offset, short length, byte[] to, short at) {
    cipher.init(encryption, Cipher.MODE_ENCRYPT);
    cipher.doFinal(from, offset, length, to, at);
  }

  void decrypt(byte[] from, short offset, short length, byte[] to, short at) {
    cipher.init(encryption, Cipher.MODE_DECRYPT);
    cipher.doFinal(from, offset, length, to, at);
  }

  void mac(byte[] from, short offset, short length, byte[] to, short at) {
    signature.init(macKey, Signature.MODE_SIGN);
    signature.sign(from, offset, length, to, at);
  }

  boolean verifyMac(byte[] from, short offset, short length, byte[] mac, short at) {
    signature.init(macKey, Signature.MODE_VERIFY);
    return signature.verify(from, offset, length, mac, at, (short) 8);
  }

  // --- commands and responses -----------------------------------------------------------------

  private void count() {
    for (short at = 7; at >= 0 && ++counter[at] == 0; at--) {
      // carry
    }
  }

  /** Verifies a command in `apdu`, writes its plain data into `data`, and returns their length. */
  short unprotect(byte[] apdu, short size, byte[] data) {
    useKeys(sessionEncryption, sessionMac);
    count();
    Util.arrayCopyNonAtomic(counter, (short) 0, block, (short) 0, (short) 8);
    Util.arrayCopyNonAtomic(apdu, (short) 0, block, (short) 8, (short) 4);
    block[12] = (byte) 0x80;
    Util.arrayFillNonAtomic(block, (short) 13, (short) 3, (byte) 0);
    short length = 0;
    expected = 0;
    short at = ISO7816.OFFSET_CDATA;
    short end = (short) (at + size);
    while (at < end && apdu[at] != (byte) 0x8E) {
      short value = (short) (at + 2);
      short octets = (short) (apdu[(short) (at + 1)] & 0xFF);
      if (octets == 0x81) {
        octets = (short) (apdu[value++] & 0xFF);
      }
      if (apdu[at] == (byte) 0x87) {
        decrypt(apdu, (short) (value + 1), (short) (octets - 1), data, (short) 0);
        length = unpadded(data, (short) (octets - 1));
      } else if (apdu[at] == (byte) 0x97) {
        expected = (short) (apdu[value] & 0xFF);
      } else {
        fail();
      }
      at = (short) (value + octets);
    }
    short covered = (short) (at - ISO7816.OFFSET_CDATA);
    Util.arrayCopyNonAtomic(apdu, ISO7816.OFFSET_CDATA, block, (short) 16, covered);
    // The header alone is padded already; the signature pads what follows.
    short total = (short) (16 + covered);
    boolean present = (short) (end - at) == 10 && apdu[(short) (at + 1)] == 8;
    if (covered == 0) {
      total = 12;
    }
    if (!present || !verifyMac(block, (short) 0, total, apdu, (short) (at + 2))) {
      fail();
    }
    return length;
  }

  private static short unpadded(byte[] data, short length) {
    short at = (short) (length - 1);
    while (at >= 0 && data[at] == 0) {
      at--;
    }
    if (at < 0 || data[at] != (byte) 0x80) {
      fail();
    }
    return at;
  }

  private static void fail() {
    ISOException.throwIt(SW_OBJECTS_INCORRECT);
  }

  /** Writes DO 87, DO 99 and DO 8E into `apdu`, and returns their length. */
  short protect(byte[] answer, short length, short sw, byte[] apdu) {
    useKeys(sessionEncryption, sessionMac);
    count();
    Util.arrayCopyNonAtomic(counter, (short) 0, block, (short) 0, (short) 8);
    short at = 8;
    if (length > 0) {
      short padded = (short) ((length / 8 + 1) * 8);
      answer[length] = (byte) 0x80;
      Util.arrayFillNonAtomic(
          answer, (short) (length + 1), (short) (padded - length - 1), (byte) 0);
      block[at++] = (byte) 0x87;
      if (padded + 1 > 0x7F) {
        block[at++] = (byte) 0x81;
      }
      block[at++] = (byte) (padded + 1);
      block[at++] = 0x01;
      encrypt(answer, (short) 0, padded, block, at);
      at += padded;
    }
    block[at++] = (byte) 0x99;
    block[at++] = 0x02;
    at = Util.setShort(block, at, sw);
    short total = (short) (at - 8);
    Util.arrayCopyNonAtomic(block, (short) 8, apdu, (short) 0, total);
    apdu[total] = (byte) 0x8E;
    apdu[(short) (total + 1)] = 8;
    mac(block, (short) 0, at, apdu, (short) (total + 2));
    if (flags[CHANGES] != 0) {
      flags[CHANGES] = 0;
      copyKeys();
      Util.arrayFillNonAtomic(counter, (short) 0, (short) 8, (byte) 0);
    }
    return (short) (total + 10);
  }

  private void copyKeys() {
    byte[] key = new byte[16];
    nextEncryption.getKey(key, (short) 0);
    sessionEncryption.setKey(key, (short) 0);
    nextMac.getKey(key, (short) 0);
    sessionMac.setKey(key, (short) 0);
  }
}
