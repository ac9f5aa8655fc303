package chipseal.interop.applet;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.DESKey;
import javacard.security.ECPrivateKey;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.MessageDigest;
import javacard.security.RSAPrivateKey;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * A passport applet with the personalisation commands of the JMRTD applet, as docs/card-kinds.md
 * lists them: CREATE FILE, UPDATE BINARY and PUT DATA from anyone until the lock; READ BINARY after
 * Basic Access Control only; Chip Authentication by MSE:Set KAT; Active Authentication.
 *
 * <p>It has neither short EF identifiers nor odd INS, and as with that applet a session lasts until
 * the card is reset. ExtendedAccessApplet has Terminal Authentication too.
 */
public class PassportApplet extends Applet {
  private static final short SW_NO_SHORT_IDENTIFIERS = ISO7816.SW_WRONG_P1P2;
  private static final short LARGEST_BLOCK = 224;
  private static final short FIRST_FILE = 0x0101;
  private static final short LAST_DATA_GROUP = 0x010F;
  private static final short EF_CVCA = 0x011C;
  private static final short LAST_FILE = 0x011E;
  private static final short RSA_SIZE = 128;

  private final byte[][] files = new byte[LAST_FILE - FIRST_FILE + 1][];
  private final short[] sizes = new short[LAST_FILE - FIRST_FILE + 1];
  private boolean locked;
  private boolean hasModulus;
  private boolean hasExponent;
  private boolean hasChipKey;
  private boolean hasTrustPoint;
  private boolean hasMrz;

  /** ID_IC: the document number and its check digit. */
  private final byte[] identifier = new byte[10];

  /** Whether this is an ExtendedAccessApplet. */
  private final boolean extended;

  private final DESKey accessEncryption = desKey(KeyBuilder.TYPE_DES);
  private final DESKey accessMac = desKey(KeyBuilder.TYPE_DES);
  private final ECPrivateKey chipKey =
      (ECPrivateKey)
          KeyBuilder.buildKey(
              KeyBuilder.TYPE_EC_FP_PRIVATE, KeyBuilder.LENGTH_EC_FP_256, false);
  private final RSAPrivateKey activeKey =
      (RSAPrivateKey)
          KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PRIVATE, KeyBuilder.LENGTH_RSA_1024, false);

  private final SecureMessaging session = new SecureMessaging();
  private final RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
  private final MessageDigest sha1 = MessageDigest.getInstance(MessageDigest.ALG_SHA, false);

  /** The challenge of BAC, after an octet that says whether there is one. */
  private final byte[] challenge =
      JCSystem.makeTransientByteArray((short) 9, JCSystem.CLEAR_ON_RESET);

  /** The identifier of the selected file, or 0. */
  private final short[] selected =
      JCSystem.makeTransientShortArray((short) 1, JCSystem.CLEAR_ON_RESET);

  private final byte[] data = JCSystem.makeTransientByteArray((short) 256, JCSystem.CLEAR_ON_RESET);
  private final byte[] answer =
      JCSystem.makeTransientByteArray((short) 256, JCSystem.CLEAR_ON_RESET);
  private final byte[] scratch =
      JCSystem.makeTransientByteArray((short) 128, JCSystem.CLEAR_ON_RESET);

  private final TerminalAuthentication terminal = new TerminalAuthentication();

  /** The data of a chain of commands so far, and their length. */
  private final byte[] chain =
      JCSystem.makeTransientByteArray((short) 600, JCSystem.CLEAR_ON_RESET);

  private final short[] chained =
      JCSystem.makeTransientShortArray((short) 1, JCSystem.CLEAR_ON_RESET);

  /** The x-coordinate of the terminal's key in Chip Authentication, after an octet: is there one. */
  private final byte[] ephemeral =
      JCSystem.makeTransientByteArray((short) 33, JCSystem.CLEAR_ON_RESET);

  PassportApplet(boolean extended) {
    this.extended = extended;
  }

  static DESKey desKey(byte type) {
    return (DESKey) KeyBuilder.buildKey(type, KeyBuilder.LENGTH_DES3_2KEY, false);
  }

  public static void install(byte[] parameters, short offset, byte length) {
    new PassportApplet(false).register();
  }

  @Override
  public void process(APDU apdu) {
    if (selectingApplet()) {
      selected[0] = 0;
      return;
    }
    byte[] buffer = apdu.getBuffer();
    if (extended && (buffer[ISO7816.OFFSET_CLA] & 0xE0) != 0) {
      ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
    }
    boolean isProtected = (buffer[ISO7816.OFFSET_CLA] & 0x0C) == 0x0C;
    if (isProtected && !session.isOpen()) {
      ISOException.throwIt(ISO7816.SW_SECURE_MESSAGING_NOT_SUPPORTED);
    }
    if (extended && !isProtected && session.isOpen()) {
      session.close();
      ISOException.throwIt((short) 0x6987);
    }
    byte ins = buffer[ISO7816.OFFSET_INS];
    short expected = (short) (buffer[ISO7816.OFFSET_LC] & 0xFF);
    short size = 0;
    boolean hasData =
        isProtected || (ins != (byte) 0xB0 && ins != (byte) 0x84 && buffer[ISO7816.OFFSET_LC] != 0);
    if (hasData) {
      size = apdu.setIncomingAndReceive();
      if (size != (short) (buffer[ISO7816.OFFSET_LC] & 0xFF)) {
        ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
      }
      expected = 0;
    }
    if (isProtected) {
      size = session.unprotect(buffer, size, data);
      expected = session.expected();
    } else {
      Util.arrayCopyNonAtomic(buffer, ISO7816.OFFSET_CDATA, data, (short) 0, size);
    }
    short sw = ISO7816.SW_NO_ERROR;
    short length = 0;
    try {
      if (isLast(buffer[ISO7816.OFFSET_CLA], size, isProtected)) {
        length =
            carryOut(
                ins,
                Util.getShort(buffer, ISO7816.OFFSET_P1),
                size,
                expected == 0 ? (short) 256 : expected,
                isProtected);
      }
    } catch (CardRuntimeException refused) {
      sw = refused.getReason();
    }
    if (isProtected) {
      length = session.protect(answer, length, sw, buffer);
    } else {
      Util.arrayCopyNonAtomic(answer, (short) 0, buffer, (short) 0, length);
    }
    if (length > 0) {
      apdu.setOutgoing();
      apdu.setOutgoingLength(length);
      apdu.sendBytes((short) 0, length);
    }
    boolean inObject = extended && isProtected; // AppletBridge reads it from DO 99
    if (sw != ISO7816.SW_NO_ERROR && !inObject) {
      ISOException.throwIt(sw);
    }
  }

  /** Adds `data` to the chain; returns whether the command is the last one of its chain. */
  private boolean isLast(byte cla, short size, boolean isProtected) {
    boolean goesOn = (cla & 0x10) != 0;
    short before = chained[0];
    chained[0] = 0;
    if (goesOn && (!extended || locked && !isProtected)) {
      ISOException.throwIt((short) 0x6884);
    }
    if (before + size > chain.length) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    Util.arrayCopyNonAtomic(data, (short) 0, chain, before, size);
    total = (short) (before + size);
    if (goesOn) {
      chained[0] = total;
    }
    return !goesOn;
  }

  /** The length of the whole data in `chain`. */
  private short total;

  /** Carries out a plain command on `data`, and returns how many octets are in `answer`. */
  private short carryOut(byte ins, short p1p2, short size, short expected, boolean isProtected) {
    switch (ins) {
      case (byte) 0xA4:
        return select(size);
      case (byte) 0xB0:
        return readBinary(p1p2, expected);
      case (byte) 0xD6:
        return updateBinary(p1p2, size);
      case (byte) 0xE0:
        return createFile(size);
      case (byte) 0xDA:
        return putData(p1p2, size);
      case (byte) 0x84:
        return getChallenge(expected, isProtected);
      case (byte) 0x82:
        return externalAuthenticate(size, isProtected);
      case (byte) 0x22:
        return manageSecurityEnvironment(p1p2, size, isProtected);
      case (byte) 0x2A:
        return verifyCertificate(p1p2, isProtected);
      case (byte) 0x88:
        return internalAuthenticate(size);
      default:
        ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        return 0;
    }
  }

  // --- files ----------------------------------------------------------------------------------

  private short indexOf(short identifier) {
    boolean sensitive = identifier == 0x0103 || identifier == 0x0104;
    boolean granted =
        extended && (!locked || terminal.mayRead((byte) (identifier == 0x0103 ? 1 : 2)));
    if (sensitive && !granted) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    boolean isDataGroup = identifier >= FIRST_FILE && identifier <= LAST_DATA_GROUP;
    boolean isOther = identifier >= EF_CVCA && identifier <= LAST_FILE;
    return isDataGroup || isOther ? (short) (identifier - FIRST_FILE) : -1;
  }

  private void requireUnlocked() {
    if (locked) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
  }

  private short select(short size) {
    if (locked && !session.isOpen()) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    if (size != 2) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    short identifier = Util.getShort(data, (short) 0);
    short index = indexOf(identifier);
    selected[0] = 0;
    if (index < 0 || files[index] == null) {
      ISOException.throwIt(ISO7816.SW_FILE_NOT_FOUND);
    }
    selected[0] = identifier;
    return 0;
  }

  private short selectedIndex() {
    if (selected[0] == 0) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    return indexOf(selected[0]);
  }

  private short readBinary(short offset, short expected) {
    if (!session.isOpen()) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    if (extended && offset < 0) {
      short number = (short) (offset >> 8 & 0x1F);
      selected[0] = (short) (0x0100 + number);
      offset &= 0xFF;
      short found = indexOf(selected[0]);
      if (found < 0 || files[found] == null) {
        selected[0] = 0;
        ISOException.throwIt(ISO7816.SW_FILE_NOT_FOUND);
      }
    }
    short index = selectedIndex();
    if (offset < 0 || offset > sizes[index] || extended && offset == sizes[index]) {
      ISOException.throwIt(SW_NO_SHORT_IDENTIFIERS);
    }
    short length = (short) Math.min(Math.min(expected, LARGEST_BLOCK), sizes[index] - offset);
    Util.arrayCopyNonAtomic(files[index], offset, answer, (short) 0, length);
    return length;
  }

  private short updateBinary(short offset, short size) {
    requireUnlocked();
    short index = selectedIndex();
    if (offset < 0 || offset + size > sizes[index]) {
      ISOException.throwIt(ISO7816.SW_FILE_FULL);
    }
    Util.arrayCopy(data, (short) 0, files[index], offset, size);
    return 0;
  }

  /** 63 04 size identifier; the first creation sets the largest size. */
  private short createFile(short size) {
    requireUnlocked();
    if (size < 6 || data[1] < 4) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    if (data[0] != 0x63) {
      ISOException.throwIt(ISO7816.SW_DATA_INVALID);
    }
    short octets = Util.getShort(data, (short) 2);
    short index = indexOf(Util.getShort(data, (short) 4));
    if (index < 0 || octets < 0) {
      ISOException.throwIt(ISO7816.SW_UNKNOWN);
    }
    if (files[index] == null) {
      files[index] = new byte[octets];
    }
    if (files[index].length < octets) {
      ISOException.throwIt(ISO7816.SW_FILE_FULL);
    }
    sizes[index] = octets;
    return 0;
  }

  // --- PUT DATA -------------------------------------------------------------------------------

  private short putData(short tag, short size) {
    requireUnlocked();
    switch (tag) {
      case (short) 0xDEAD:
        locked = true;
        break;
      case 0x0060:
        activeKey.setModulus(data, rsaNumber(tag, size), RSA_SIZE);
        hasModulus = true;
        break;
      case 0x0061:
        activeKey.setExponent(data, rsaNumber(tag, size), RSA_SIZE);
        hasExponent = true;
        break;
      case 0x0062:
        putMrz(size);
        break;
      case 0x0063:
        putChipKey(size);
        break;
      case 0x0164:
        putTrustPoint(size);
        break;
      default:
        ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
    }
    return 0;
  }

  /** Returns the offset of the number in tag 00 04 81 80 number. */
  private short rsaNumber(short tag, short size) {
    boolean wellFormed = data[0] == (byte) tag && data[1] == 0 && data[2] == 0x04;
    wellFormed = wellFormed && data[3] == (byte) 0x81 && data[4] == (byte) RSA_SIZE;
    if (!wellFormed || size != 5 + RSA_SIZE) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return 5;
  }

  /** 62 1B {04 09 number, 04 06 birth, 04 06 expiry}: K_seed is over each with its check digit. */
  private void putMrz(short size) {
    short total = 0;
    short at = 2;
    if (data[0] != 0x62 || data[1] != 0x1B || size != 29) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    for (short length : new short[] {9, 6, 6}) {
      if (data[at] != 0x04 || data[(short) (at + 1)] != length) {
        ISOException.throwIt(ISO7816.SW_WRONG_DATA);
      }
      at += 2;
      Util.arrayCopyNonAtomic(data, at, scratch, total, length);
      total += length;
      scratch[total++] = checkDigit(data, at, length);
      at += length;
    }
    Util.arrayCopy(scratch, (short) 0, identifier, (short) 0, (short) 10);
    sha1.doFinal(scratch, (short) 0, total, answer, (short) 0);
    SecureMessaging.deriveKeys(sha1, answer, (short) 0, (short) 16, accessEncryption, accessMac);
    hasMrz = true;
  }

  /** Doc 9303-3, 4.9. */
  private static byte checkDigit(byte[] text, short offset, short length) {
    int sum = 0;
    for (short at = 0; at < length; at++) {
      byte character = text[(short) (offset + at)];
      int value = character == '<' ? 0 : character >= 'A' ? character - 'A' + 10 : character - '0';
      sum += value * (at % 3 == 0 ? 7 : at % 3 == 1 ? 3 : 1);
    }
    return (byte) ('0' + sum % 10);
  }

  private void putChipKey(short size) {
    short at = 0;
    while (at < size) {
      byte tag = data[at];
      short length = (short) (data[(short) (at + 1)] & 0xFF);
      short value = (short) (at + 2);
      switch (tag) {
        case (byte) 0x81:
          chipKey.setFieldFP(data, value, length);
          break;
        case (byte) 0x82:
          chipKey.setA(data, value, length);
          break;
        case (byte) 0x83:
          chipKey.setB(data, value, length);
          break;
        case (byte) 0x84:
          chipKey.setG(data, value, length);
          break;
        case (byte) 0x85:
          chipKey.setR(data, value, length);
          break;
        case (byte) 0x86:
          chipKey.setS(data, value, length);
          break;
        case (byte) 0x87:
          chipKey.setK(Util.getShort(data, value));
          break;
        default:
          ISOException.throwIt(ISO7816.SW_WRONG_DATA);
      }
      at = (short) (value + length);
    }
    if (!chipKey.isInitialized()) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    hasChipKey = true;
  }

  private void putTrustPoint(short size) {
    if (hasTrustPoint) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    if (files[indexOf(EF_CVCA)] == null) {
      ISOException.throwIt(ISO7816.SW_UNKNOWN);
    }
    if (size < 3 || Util.getShort(chain, (short) 0) != 0x7F4E) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    if (extended) {
      terminal.putTrustPoint(chain, total);
    }
    hasTrustPoint = true;
  }

  // --- protocols ------------------------------------------------------------------------------

  private short getChallenge(short expected, boolean isProtected) {
    if (!hasMrz || session.wasOpen() && !isProtected) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    if (expected != 8) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    if (isProtected) {
      requireTrustPoint(isProtected);
      return terminal.challenge(random, answer);
    }
    random.generateData(challenge, (short) 1, (short) 8);
    challenge[0] = 1;
    Util.arrayCopyNonAtomic(challenge, (short) 1, answer, (short) 0, (short) 8);
    return 8;
  }

  /** Doc 9303-11, 4.3.3: E(RND.IFD, RND.IC, K.IFD) and its MAC. */
  private short externalAuthenticate(short size, boolean isProtected) {
    if (isProtected) {
      if (!extended || ephemeral[0] == 0) {
        ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
      }
      byte[] x = new byte[32];
      Util.arrayCopyNonAtomic(ephemeral, (short) 1, x, (short) 0, (short) 32);
      terminal.authenticate(data, size, identifier, x);
      return 0;
    }
    if (challenge[0] == 0 || session.wasOpen()) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    challenge[0] = 0;
    if (size != 40) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    session.useKeys(accessEncryption, accessMac);
    boolean authentic = session.verifyMac(data, (short) 0, (short) 32, data, (short) 32);
    if (authentic) {
      session.decrypt(data, (short) 0, (short) 32, scratch, (short) 0);
      byte compared =
          Util.arrayCompare(scratch, (short) 8, challenge, (short) 1, (short) 8);
      authentic = compared == 0;
    }
    if (!authentic) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    // answer: RND.IC, RND.IFD, K.IC
    Util.arrayCopyNonAtomic(scratch, (short) 8, scratch, (short) 32, (short) 8);
    Util.arrayCopyNonAtomic(scratch, (short) 0, scratch, (short) 40, (short) 8);
    random.generateData(scratch, (short) 48, (short) 16);
    session.encrypt(scratch, (short) 32, (short) 32, answer, (short) 0);
    session.mac(answer, (short) 0, (short) 32, answer, (short) 32);
    for (short at = 0; at < 16; at++) {
      scratch[(short) (64 + at)] =
          (byte) (scratch[(short) (16 + at)] ^ scratch[(short) (48 + at)]);
    }
    // SSC: the last four octets of RND.IC, then of RND.IFD
    Util.arrayCopyNonAtomic(scratch, (short) 12, scratch, (short) 80, (short) 4);
    Util.arrayCopyNonAtomic(scratch, (short) 4, scratch, (short) 84, (short) 4);
    session.open(sha1, scratch, (short) 64, (short) 16, scratch, (short) 80);
    return 40;
  }

  private short manageSecurityEnvironment(short p1p2, short size, boolean isProtected) {
    if (!extended || p1p2 != (short) 0x81B6 && p1p2 != (short) 0x81A4) {
      return setKeyAgreementTemplate(p1p2, size, isProtected);
    }
    requireTrustPoint(isProtected);
    if (p1p2 == (short) 0x81B6) {
      terminal.setDst(data, size);
    } else {
      terminal.setAt(data, size);
    }
    return 0;
  }

  private short verifyCertificate(short p1p2, boolean isProtected) {
    if (!extended) {
      ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
    }
    requireTrustPoint(isProtected);
    if (p1p2 != 0x00BE) {
      ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
    }
    if (terminal.verify(chain, total)) {
      short index = indexOf(EF_CVCA);
      terminal.writeReferences(files[index], sizes[index]);
    }
    return 0;
  }

  private void requireTrustPoint(boolean isProtected) {
    if (!extended || !isProtected || !hasTrustPoint) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
  }

  /** MSE:Set KAT: 91 ephemeral public key; the new keys are used after this answer. */
  private short setKeyAgreementTemplate(short p1p2, short size, boolean isProtected) {
    if (!hasChipKey) {
      ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
    }
    if (!isProtected) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    if (p1p2 != 0x41A6) {
      ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
    }
    short length = (short) (data[1] & 0xFF);
    if (data[0] != (byte) 0x91 || length + 2 != size) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    KeyAgreement agreement =
        KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH_PLAIN, false);
    agreement.init(chipKey);
    short shared = agreement.generateSecret(data, (short) 2, length, scratch, (short) 0);
    session.openAfterResponse(sha1, scratch, (short) 0, shared);
    terminal.forget();
    ephemeral[0] = 1;
    Util.arrayCopyNonAtomic(data, (short) 3, ephemeral, (short) 1, (short) 32);
    return 0;
  }

  /** ISO/IEC 9796-2 with SHA-1: 6A, M1 (106 zeros), SHA-1(M1, RND.IFD), BC. */
  private short internalAuthenticate(short size) {
    if (!hasModulus || !hasExponent || !session.isOpen()) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    if (size != 8) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    Util.arrayFillNonAtomic(scratch, (short) 0, RSA_SIZE, (byte) 0);
    scratch[0] = 0x6A;
    sha1.reset();
    sha1.update(scratch, (short) 1, (short) 106);
    sha1.doFinal(data, (short) 0, (short) 8, scratch, (short) 107);
    scratch[127] = (byte) 0xBC;
    Cipher rsa = Cipher.getInstance(Cipher.ALG_RSA_NOPAD, false);
    rsa.init(activeKey, Cipher.MODE_DECRYPT);
    return rsa.doFinal(scratch, (short) 0, RSA_SIZE, answer, (short) 0);
  }
}
